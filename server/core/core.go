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
	MaxLocks       int // holdings (BAD-5); 0 is unlimited

	// EndPiece is lock.Options.Piece: how many holdings of a connection that has ended
	// are cleared in one step. 0 is a measured default.
	EndPiece int

	// SmallDump is the number of lines up to which a dump is made at once, without
	// waiting. 0 is a measured default, -1 is none.
	SmallDump int

	PID int // the process id that the classic q shows (CLASSIC-4)
}

// ID is the number of a connection, from 1, never reused (ADDR-2).
type ID uint64

// Orphans counts what the end of a connection released (STATS-6).
type Orphans = lock.Orphans

// Core is the whole server without sockets: bytes from connections in, bytes for
// connections out. The package comment describes its use. Make one with New.
type Core struct {
	config  Config
	machine *lock.Machine
	conns   map[ID]*conn
	last    ID // the newest connection's number
	figures wire.Figures
	names   registry
	parser  wire.Parser
	dumps   dumps
	small   view // of small dumps, reused
	events  []Event

	maxReply int // bytes; largestReply, except in tests
}

// conn is the state of a connection besides its locks.
type conn struct {
	id    ID
	addr  string // ADDR-1
	lines wire.Splitter
	name  *registration // nil without a registered name
	dump  *Dump         // the dump that it waits for, or nil
}

// State is what Core returns about a connection besides its replies.
type State struct {
	// Waits says that the connection waits for a reply that is being made: the
	// caller must not call Receive for it before it is resumed (REPLY-4).
	Waits bool
	// Ends says that the client speaks another protocol: the caller closes the
	// connection once the replies are sent; nothing more is executed (BAD-7).
	Ends bool
	// Held is how many bytes of memory Core keeps for an unfinished line.
	Held int
}

// New returns a Core without connections.
func New(config Config) *Core {
	if config.SmallDump == 0 {
		config.SmallDump = smallLines
	}
	return &Core{
		config: config,
		machine: lock.New(lock.Options{
			Reentrant:   config.Dialect.Reentrant(),
			MaxHoldings: config.MaxLocks,
			Piece:       config.EndPiece,
		}),
		conns:    make(map[ID]*conn),
		maxReply: largestReply,
	}
}

// Open adds a connection and returns its number (ADDR-1, ADDR-2). If there are too
// many connections, it adds nothing and returns false: the Effects then hold a
// refusal for number 0, which the caller sends before it closes the connection
// (BAD-4).
func (c *Core) Open(_ Time, peer Peer, fx *Effects) (ID, bool) {
	if limit := c.config.MaxConnections; limit > 0 && len(c.conns) >= limit {
		fx.end(c.config.Dialect.AppendTooMany(fx.begin(0)))
		return 0, false
	}
	c.last++
	c.conns[c.last] = &conn{id: c.last, addr: peer.addr(c.last), lines: wire.Splitter{Max: c.config.MaxLine}}
	c.machine.Open(lock.Conn(c.last))
	c.weigh(c.conns[c.last])
	return c.last, true
}

// Receive takes bytes that arrived on a connection and executes every line that
// they complete, in order (LINE-5, LINE-6, REPLY-1). It stops when it has made enough
// replies, and returns the unprocessed input, a part of data: call Receive with it
// once the replies are sent (REPLY-5). It also stops at a line whose reply the
// connection has to wait for. It does not change or keep data. For a connection that
// is not open, or that ends, it does nothing.
func (c *Core) Receive(_ Time, id ID, data []byte, fx *Effects) (rest []byte, state State) {
	from := c.conns[id]
	if from == nil || from.lines.Foreign() {
		return nil, from.state()
	}
	out := fx.begin(id)
	for room := outputBatch; room > 0 && from.dump == nil; {
		line, after, split := from.lines.Next(data)
		data = after
		if split == wire.NoLine {
			break
		}
		before, cost := len(out), 0
		out, cost = c.take(from, line, split, out)
		room -= len(out) - before + cost
	}
	fx.end(out)
	c.handEvents(fx)
	return data, from.state()
}

// EndMessage ends the unfinished line of a connection, as the end of a WebSocket
// message does (WS-1), and is otherwise like Receive.
func (c *Core) EndMessage(_ Time, id ID, fx *Effects) State {
	from := c.conns[id]
	if from == nil || from.lines.Foreign() {
		return from.state()
	}
	if from.dump == nil {
		if line, split := from.lines.End(); split != wire.NoLine {
			out, _ := c.take(from, line, split, fx.begin(id))
			fx.end(out)
			c.handEvents(fx)
		}
	}
	return from.state()
}

// state returns the state of a connection; c is nil for one that is not open.
func (c *conn) state() State {
	if c == nil {
		return State{}
	}
	return State{Waits: c.dump != nil, Ends: c.lines.Foreign(), Held: c.lines.Held()}
}

// Close ends a connection: it releases all its locks in one step and counts them
// as orphans (END-1, END-2, END-7, STATS-6), drops its unfinished line (LINE-7) and
// removes its registered name (WHO-4). Closing one that is not open does nothing.
func (c *Core) Close(_ Time, id ID, fx *Effects) Orphans {
	from := c.conns[id]
	if from == nil {
		return Orphans{}
	}
	if c.config.Events {
		c.orphanEvents(id)
		c.handEvents(fx)
	}
	orphans := c.machine.Close(lock.Conn(id))
	c.figures.Orphans += uint64(orphans.Exclusive)
	c.figures.SharedOrphans += uint64(orphans.Shared)
	c.names.remove(from)
	delete(c.conns, id)
	return orphans
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
	for _, n := range c.figures.Commands {
		commands += n
	}
	return commands
}

// Valid checks the invariants of the lock machine, and that the machine, the registry
// and Core agree on which connections are open. It reads the whole state, and is meant
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
	return c.names.valid(c.conns)
}
