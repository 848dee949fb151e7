// Package model is a naive lockd server: the oracle of the simulation.
//
// It is written from docs/protocol.md alone, as simply as possible, and shares nothing
// with the server that it checks: it imports neither lock, wire nor server. Where the
// server keeps lists and counters for speed, the model searches and counts. Clause ids
// in comments are those of docs/protocol.md.
//
// Begin with [Server] and its Receive; commands.go has one function for each command.
package model

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strconv"
)

// Config says which server to imitate. The zero value is a glockd server
// without registry and dumps, and without limits.
type Config struct {
	Classic        bool   // the dialect of 2009 instead of glockd's
	Registry       bool   // iam and who work
	Dump           bool   // d, sd, dump, who and the tables of q full work
	AnswerInvalid  bool   // unknown commands are answered [BAD-2]
	MaxLine        int    // bytes of a line before its LF; 0: 65,536 [BAD-3]
	MaxConnections int    // 0: no limit [BAD-4]
	MaxLocks       int    // holdings in both tables; 0: no limit [BAD-5]
	MaxPerConn     int    // those of a connection; 0: no limit [BAD-5]
	MaxNameBytes   int    // of the names in both tables; 0: no limit [BAD-5]
	PID            int    // what classic statistics show as pid
	Version        string // what v shows [VERSION-1]
	Kill           bool   // k works [KILL-2]
	LastToken      uint64 // tokens are greater [TOKEN-4]
}

const defaultMaxLine = 65536

// Server is the state of a whole server. It is not safe for concurrent use.
type Server struct {
	// Now is the time in nanoseconds since 1970. The caller sets it.
	Now int64

	cfg       Config
	opened    uint64 // connections ever accepted: the last id given
	conns     map[uint64]*conn
	exclusive map[string]*holding   // name -> its holding
	shared    map[string][]*holding // name -> its holdings, in the order of acquisition
	named     []*conn               // connections with a registered name, newest last

	counts       [len(commands)]int // by index into commands
	extended     int                // commands of the extended level [EXT-2]
	invalid      int
	orphans      int
	sharedOrphan int

	lastToken, lastTicket uint64
	queue                 []*conn // all that wait for a lock, in the order in which they began to
	touched, postponed    []key   // locks of whose queues somebody may have to be served
	allowed               int     // how many may be answered in this step
	answers               []Answer
	killed                []uint64
	suicide               uint64            // the connection that has killed itself since the last Allow
	spoils                map[uint64][2]int // by killed connection: what that has released
	stopping              bool

	out []byte
}

// holding is a lock that is held, or one holder of a shared lock.
type holding struct {
	conn  *conn
	token uint64
	bound int // of a shared lock: of b, or noBound
}

// conn is one open connection.
type conn struct {
	id       uint64
	addr     string
	name     string   // registered; meaningful while listed in Server.named
	line     []byte   // what arrived since the last LF
	skipping bool     // the rest of a line that was too long
	begun    bool     // a first line has ended
	foreign  bool     // the client speaks another protocol [BAD-7]
	awaited  *awaited // the command whose reply comes later; nil if there is none
	waiting  *waiting // the lock that it waits for; nil if there is none
	finished bool     // its client has ended its stream, as far as EndOfStream was called
	ended    bool     // it was ended by itself [KILL-3]
}

// New returns a server without connections.
func New(cfg Config) *Server {
	if cfg.MaxLine == 0 {
		cfg.MaxLine = defaultMaxLine
	}
	return &Server{
		cfg:       cfg,
		conns:     map[uint64]*conn{},
		exclusive: map[string]*holding{},
		shared:    map[string][]*holding{},
		lastToken: cfg.LastToken,
		spoils:    map[uint64][2]int{},
	}
}

// Open accepts a connection from addr and returns its number, counted from 1
// and never reused [ADDR-2]. A connection from "unix" is shown as unix:N
// [ADDR-1]. ok is false, and nothing has changed, when the limit of
// connections is reached [BAD-4].
func (s *Server) Open(addr string) (id uint64, ok bool) {
	if s.cfg.MaxConnections > 0 && len(s.conns) >= s.cfg.MaxConnections {
		return 0, false
	}
	s.opened++
	if addr == "unix" {
		addr = "unix:" + strconv.FormatUint(s.opened, 10)
	}
	s.conns[s.opened] = &conn{id: s.opened, addr: addr}
	return s.opened, true
}

// Refusal returns the reply to a connection that Open refused [BAD-4].
func (s *Server) Refusal() []byte {
	s.out = s.out[:0]
	s.reply("0 Too Many Connections")
	return s.out
}

// Receive takes bytes that arrived on a connection, executes every line that
// they complete [LINE-5, LINE-6] and returns the replies, and how many bytes it has not
// taken, since the connection waits [WAIT-5]. The returned slice is valid until the next
// call. Bytes for an unknown id are ignored.
func (s *Server) Receive(id uint64, data []byte) (replies []byte, left int) {
	s.out = s.out[:0]
	c := s.conns[id]
	if c == nil {
		return nil, 0
	}
	for i, b := range data {
		if c.waiting != nil {
			left = len(data) - i
			break
		}
		switch {
		case c.foreign || c.ended:
		case b == '\n':
			s.endLine(c)
		case c.skipping:
		case len(c.line) == s.cfg.MaxLine && !c.begun && httpBeginning.Match(c.wholeLine()):
			s.dismiss(c, "HTTP")
		case len(c.line) == s.cfg.MaxLine: // [BAD-3]
			c.skipping = true
			s.invalid++
			s.reply("0 Line Too Long")
		default:
			c.line = append(c.line, b)
			if !c.begun && len(c.line) == 3 && tlsBeginning.Match(c.line) {
				s.dismiss(c, "TLS")
			}
		}
	}
	s.postpone()
	return s.out, left
}

// EndMessage ends the last line of a websocket message, which may lack its LF
// [WS-1], and returns the reply to it, valid until the next call.
func (s *Server) EndMessage(id uint64) []byte {
	s.out = s.out[:0]
	if c := s.conns[id]; c != nil && !c.foreign && c.waiting == nil && (len(c.line) > 0 || c.skipping) {
		s.endLine(c)
	}
	s.postpone()
	return s.out
}

// How streams of other protocols begin [BAD-7].
var (
	httpRequest   = regexp.MustCompile(`(?s-i)^[A-Z]+ .* HTTP/[0-9]\.[0-9]\r?$`)
	httpBeginning = regexp.MustCompile(`^[A-Z]+ `)
	tlsBeginning  = regexp.MustCompile("^\x16\x03[\x00-\x04]")
)

// dismiss answers a client that speaks another protocol; its further input is ignored
// [BAD-7].
func (s *Server) dismiss(c *conn, protocol string) {
	c.foreign = true
	s.invalid++
	s.reply("0 ", protocol, " Not Supported")
}

// Foreign says whether the client of a connection speaks another protocol [BAD-7].
func (s *Server) Foreign(id uint64) bool { return s.conns[id] != nil && s.conns[id].foreign }

// Dismissed says whether a connection is to be closed [BAD-7], or has killed itself since
// the last Allow [KILL-3].
func (s *Server) Dismissed(id uint64) bool {
	return s.Foreign(id) || id != 0 && id == s.suicide
}

func (s *Server) endLine(c *conn) {
	if !c.begun && !c.skipping && httpRequest.Match(c.wholeLine()) {
		s.dismiss(c, "HTTP")
		return
	}
	if !c.skipping {
		s.execute(c, squeeze(c.wholeLine()))
	}
	c.line = c.line[:0]
	c.skipping, c.begun = false, true
}

// wholeLine returns the line that has ended, without a byte order mark at the beginning
// of the stream [LINE-12].
func (c *conn) wholeLine() []byte {
	if !c.begun {
		return bytes.TrimPrefix(c.line, []byte{0xef, 0xbb, 0xbf})
	}
	return c.line
}

// Close ends a connection: a line without LF is dropped [LINE-7], its wait is cancelled,
// its locks are released and counted as orphans [END-1, END-2, STATS-6], its registered
// name is removed [WHO-4], and those that wait for its locks are served [END-9]. It
// returns how many locks were released, also by the end of one that was killed. An
// unknown id is ignored.
func (s *Server) Close(id uint64) (exclusive, shared int) {
	c := s.conns[id]
	if c == nil {
		spoils := s.spoils[id]
		delete(s.spoils, id)
		return spoils[0], spoils[1]
	}
	exclusive, shared = s.end(c)
	s.serve()
	s.postpone()
	return exclusive, shared
}

func (s *Server) end(c *conn) (exclusive, shared int) {
	s.leaveQueue(c)
	type held struct {
		lock  key
		token uint64
	}
	var all []held
	for name, h := range s.exclusive {
		if h.conn == c {
			all = append(all, held{key{false, name}, h.token})
		}
	}
	for name, holders := range s.shared {
		if h := holderAmong(holders, c); h != nil {
			all = append(all, held{key{true, name}, h.token})
		}
	}
	slices.SortFunc(all, func(a, b held) int { return cmp.Compare(a.token, b.token) })
	for _, h := range all {
		if h.lock.shared {
			s.leave(c, h.lock.name)
			shared++
		} else {
			delete(s.exclusive, h.lock.name)
			s.touch(h.lock)
			exclusive++
		}
	}
	s.orphans += exclusive
	s.sharedOrphan += shared
	s.unname(c)
	delete(s.conns, c.id)
	return exclusive, shared
}

// squeeze removes white space at both ends of a line and replaces every run of it inside
// by one space [SPACE-1, SPACE-2]. It works in place.
func squeeze(line []byte) []byte {
	kept := line[:0]
	gap := false
	for _, b := range line {
		if b == ' ' || b == '\t' || b == '\v' || b == '\f' || b == '\r' {
			gap = true
			continue
		}
		if gap && len(kept) > 0 {
			kept = append(kept, ' ')
		}
		gap = false
		kept = append(kept, b)
	}
	return kept
}
