package core

import (
	"fmt"

	"lockd/lock"
	"lockd/wire"
)

// outputBatch is the number of reply bytes after which Core.Receive stops, so that
// they are sent before it continues (REPLY-5). It bounds the memory that one read
// of many short commands can take; a single reply, such as a dump, may exceed it.
const outputBatch = 64 << 10

// Config is the configuration of a Core.
type Config struct {
	Dialect       wire.Dialect
	Registry      bool // iam and who are on (IAM-3, WHO-3)
	Dump          bool // d, sd, dump and who are on (DUMP-9, WHO-3)
	AnswerInvalid bool // unknown commands are answered (BAD-2)

	Events bool // Effects list what happens to locks

	MaxLine        int // bytes before the LF (BAD-3); 0 is wire.DefaultMaxLine
	MaxConnections int // 0 is unlimited (BAD-4)
	MaxPerAddress  int // connections of one address (BAD-4); 0 is unlimited
	MaxLocks       int // holdings (BAD-5); 0 is unlimited
	MaxPerConn     int // holdings of a connection (BAD-5); 0 is unlimited
	MaxNameBytes   int // of all names that are held (BAD-5); 0 is unlimited

	// EndPiece is lock.Options.Piece: how many holdings of a connection that has ended
	// are cleared in one step. 0 is a measured default.
	EndPiece int

	// SmallDump is the number of lines up to which a dump is made at once, without
	// waiting. 0 is a measured default, -1 is none.
	SmallDump int

	PID int // the process id that the classic q shows (CLASSIC-4)

	Version string // that v shows (VERSION-1), without white space
	Kill    bool   // k may end other connections (KILL-2)

	// LastToken is a token that all tokens exceed (TOKEN-4).
	LastToken uint64

	// ServePiece is how many waiting connections are answered in one step. 0 is a
	// measured default.
	ServePiece int
}

// servePiece waiting connections are granted a lock in a third of a millisecond; to
// send them their replies takes 2.
const servePiece = 512

// ID is the number of a connection, from 1, never reused (ADDR-2).
type ID uint64

// Orphans counts what the end of a connection released (STATS-6).
type Orphans = lock.Orphans

// Core is the whole server without sockets: bytes from connections in, bytes for
// connections out. The package comment describes its use. Make one with New.
type Core struct {
	config   Config
	machine  *lock.Machine
	conns    map[ID]*conn
	last     ID // the newest connection's number
	measures *Measures
	names    registry
	parser   wire.Parser
	dumps    dumps
	small    view // of small dumps, reused
	events   []Event

	now       Time // of this call
	served    int  // waiting connections that were answered in this call
	serving   int  // bytes of their replies
	deadlines deadlines
	addresses addresses      // counts connections, if Config.MaxPerAddress is set
	finished  map[ID]bool    // open connections whose client has ended its stream, as far as EndOfStream was called
	killed    map[ID]Orphans // connections that k has ended, until their Close
	stopping  bool

	maxReply int // bytes; largestReply, except in tests
}

// conn is the state of a connection besides its locks.
type conn struct {
	id        ID
	addr      string // ADDR-1
	transport Transport
	proved    bool // its name is that of Peer.Name
	lines     wire.Splitter
	name      *registration // nil without a registered name
	wait      *wait         // what it waits for, or nil
	locks     lock.Ref
}

// State is what Core returns about a connection besides its replies.
type State struct {
	// Waits says that the connection waits for a reply: the caller must not call
	// Receive for it before it is resumed (REPLY-4, WAIT-5).
	Waits bool
	// Queued says that it waits for a lock: if its client ends the stream meanwhile,
	// the caller calls EndOfStream.
	Queued bool
	// Ends says that the server ends the connection: the caller closes it once the
	// replies are sent; nothing more is executed (BAD-7, KILL-3).
	Ends bool
	// Held is how many bytes of memory Core keeps for an unfinished line, and for the
	// name of a lock that the connection waits for.
	Held int
}

// New returns a Core without connections.
func New(config Config) *Core {
	if config.SmallDump == 0 {
		config.SmallDump = smallLines
	}
	if config.ServePiece <= 0 {
		config.ServePiece = servePiece
	}
	if config.Version == "" {
		config.Version = "devel"
	}
	c := &Core{
		config: config,
		machine: lock.New(lock.Options{
			Reentrant: config.Dialect.Reentrant(),
			Limits:    lock.Limits{Holdings: config.MaxLocks, OfConn: config.MaxPerConn, NameBytes: config.MaxNameBytes},
			Piece:     config.EndPiece,
			LastToken: lock.Token(config.LastToken),
		}),
		conns:    make(map[ID]*conn),
		finished: make(map[ID]bool),
		killed:   make(map[ID]Orphans),
		maxReply: largestReply,
		measures: newMeasures(),
	}
	if config.MaxPerAddress > 0 {
		c.addresses = make(addresses)
	}
	return c
}

// Open adds a connection and returns its number (ADDR-1, ADDR-2). If there are too
// many connections, it adds nothing and returns false: the Effects then hold a
// refusal for number 0, which the caller sends before it closes the connection
// (BAD-4).
func (c *Core) Open(_ Time, peer Peer, fx *Effects) (ID, bool) {
	if !c.mayOpen(peer) {
		c.measures.Refused[peer.Transport]++
		fx.end(c.config.Dialect.AppendTooMany(fx.begin(0)))
		return 0, false
	}
	c.last++
	opened := &conn{id: c.last, addr: peer.addr(c.last), transport: peer.Transport, lines: wire.Splitter{Max: c.config.MaxLine}}
	c.conns[c.last] = opened
	opened.locks = c.machine.Open(lock.Conn(c.last))
	if peer.Name != "" {
		c.names.set(opened, peer.Name)
		opened.proved = true
	}
	c.weigh(opened)
	c.addresses.add(hostOf(opened.addr))
	c.measures.Open[peer.Transport]++
	c.measures.Accepted[peer.Transport]++
	return c.last, true
}

// begin begins a step. Core has one time: what happens in the step happens at now.
func (c *Core) begin(now Time) {
	c.served, c.serving = 0, 0
	if now != c.now {
		c.now = now
		c.machine.SetTime(int64(now / Millisecond))
	}
}

// Receive takes bytes that arrived on a connection and executes every line that
// they complete, in order (LINE-5, LINE-6, REPLY-1). It stops when it has made enough
// replies, and returns the unprocessed input, a part of data: call Receive with it
// once the replies are sent (REPLY-5). It also stops at a line whose reply the
// connection has to wait for. It does not change or keep data. For a connection that
// is not open, or that ends, it does nothing.
func (c *Core) Receive(now Time, id ID, data []byte, fx *Effects) (rest []byte, state State) {
	from := c.conns[id]
	if from == nil || from.lines.Foreign() {
		return nil, from.state()
	}
	c.begin(now)
	c.machine.Expect(from.locks)
	out := fx.begin(id)
	for room := outputBatch; room > 0 && from.wait == nil && c.mayServe(); {
		line, after, split := from.lines.Next(data)
		data = after
		if split == wire.NoLine {
			break
		}
		before, cost := len(out), 0
		out, cost = c.take(from, line, split, out, fx)
		room -= len(out) - before + cost
	}
	fx.end(out)
	c.endStep(fx)
	return data, from.state()
}

// EndMessage ends the unfinished line of a connection, as the end of a WebSocket
// message does (WS-1), and is otherwise like Receive.
func (c *Core) EndMessage(now Time, id ID, fx *Effects) State {
	from := c.conns[id]
	if from == nil || from.lines.Foreign() {
		return from.state()
	}
	if from.wait == nil {
		if line, split := from.lines.End(); split != wire.NoLine {
			c.begin(now)
			out, _ := c.take(from, line, split, fx.begin(id), fx)
			fx.end(out)
			c.endStep(fx)
		}
	}
	return from.state()
}

// state returns the state of a connection; c is nil for one that is not open.
func (c *conn) state() State {
	if c == nil {
		return State{}
	}
	s := State{Ends: c.lines.Foreign(), Held: c.lines.Held()}
	if w := c.wait; w != nil {
		s.Waits, s.Queued, s.Ends = !w.killed, w.queued, s.Ends || w.killed
		s.Held += w.name
	}
	return s
}

// Close ends a connection: it cancels its wait, releases all its locks in one step and
// counts them as orphans (END-1, END-2, END-7, STATS-6), drops its unfinished line
// (LINE-7), removes its registered name (WHO-4), and serves those that have waited for
// its locks (END-9). Closing one that is not open does nothing; if k has ended it, Close
// returns what that has released, once.
func (c *Core) Close(now Time, id ID, fx *Effects) Orphans {
	from := c.conns[id]
	if from == nil {
		orphans := c.killed[id]
		delete(c.killed, id)
		return orphans
	}
	c.begin(now)
	orphans := c.end(from)
	c.serve(fx)
	c.endStep(fx)
	return orphans
}

// end ends a connection, and leaves it to the caller to serve others.
func (c *Core) end(from *conn) Orphans {
	if c.config.Events {
		c.orphanEvents(from.id)
	}
	if from.wait != nil {
		if from.wait.queued {
			c.endWait(from.wait, disconnected)
		}
		c.deadlines.remove(from.wait)
		from.wait = nil
	}
	orphans := c.machine.Close(lock.Conn(from.id))
	c.measures.Exclusive.Orphans += uint64(orphans.Exclusive)
	c.measures.Shared.Orphans += uint64(orphans.Shared)
	c.names.remove(from)
	delete(c.conns, from.id)
	delete(c.finished, from.id)
	c.measures.Open[from.transport]--
	c.addresses.remove(hostOf(from.addr))
	return orphans
}

// endStep ends a step: what could not be served in it is left to Tick.
func (c *Core) endStep(fx *Effects) {
	if c.machine.Touched() {
		c.machine.Postpone()
	}
	if len(c.events) > 0 {
		c.handEvents(fx)
	}
}

// Conns returns the number of open connections.
func (c *Core) Conns() int { return len(c.conns) }

// Locks returns how many names are held, in either table. It may have to clear
// holdings of connections that have ended.
func (c *Core) Locks() int {
	for !c.machine.Exact() {
		c.machine.Clear()
	}
	return c.machine.ExclusiveLocks() + c.machine.SharedLocks()
}

// Commands returns how many commands were executed, including unknown ones and lines
// that were too long.
func (c *Core) Commands() (commands uint64) {
	for command := range wire.NumCommands {
		commands += c.executed(command)
	}
	return commands
}

// Valid checks the invariants of the lock machine, and that the machine, the registry
// and Core agree on which connections are open, and that all that is counted adds up. It reads the whole state, and is meant
// for tests and simulations.
func (c *Core) Valid() error {
	if err := c.machine.Valid(); err != nil {
		return err
	}
	if c.machine.Conns() != len(c.conns) {
		return fmt.Errorf("%d connections are open, %d in the lock machine", len(c.conns), c.machine.Conns())
	}
	if err := c.validDumps(); err != nil {
		return err
	}
	if err := c.validWaits(); err != nil {
		return err
	}
	if err := c.validMeasures(); err != nil {
		return err
	}
	return c.names.valid(c.conns)
}
