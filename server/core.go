package server

import (
	"fmt"

	"lockd/lock"
	"lockd/wire"
)

// outputBatch is the number of reply bytes after which Core.Receive stops and
// asks for them to be sent before it goes on (REPLY-5). It bounds what one read
// of many short commands can make the server hold in memory; a single reply,
// such as a dump, may exceed it.
const outputBatch = 64 << 10

// CoreConfig holds the choices that change what Core answers.
type CoreConfig struct {
	Dialect       wire.Dialect
	Registry      bool // iam and who are on (IAM-3, WHO-3)
	Dump          bool // d, sd, dump and who are on (DUMP-9, WHO-3)
	AnswerInvalid bool // unknown commands are answered (BAD-2)

	MaxLine        int // bytes before the LF (BAD-3); 0 is wire.DefaultMaxLine
	MaxConnections int // 0 is unlimited (BAD-4)
	MaxLocks       int // holdings (BAD-5); 0 is unlimited

	PID int // the process id that the classic q shows (CLASSIC-4)
}

// ID is the number of a connection, from 1, never used again (ADDR-2).
type ID uint64

// Orphans counts what the end of a connection released (STATS-6).
type Orphans = lock.Orphans

// Result is what a call of Core asks its caller to do. It is a struct so that
// answers to other connections than the one that spoke can be added when a
// command can wait for a lock.
type Result struct {
	// Out is the buffer given to the call with the replies for this
	// connection appended. It is to be sent before the next call for it.
	Out []byte
	// Rest is the input that was not looked at because Out is full. It is
	// part of the input given to the call; call Receive with it once Out is
	// sent.
	Rest []byte
}

// Core is the whole server without sockets: bytes of connections in, bytes for
// connections out. It is deterministic: the same calls in the same order give
// the same bytes. It is not safe for concurrent use: Server calls it under one
// mutex.
type Core struct {
	config  CoreConfig
	machine *lock.Machine
	conns   map[ID]*conn
	last    ID // the newest connection's number
	figures wire.Figures
	names   registry
	parser  wire.Parser
	maxDump int // bytes; maxDump but in tests
	shown   int // bytes of the dump that is being made
}

// conn is what Core knows of a connection besides its locks.
type conn struct {
	id    ID
	addr  string // ADDR-1
	lines wire.Splitter
	name  *registration // nil without a registered name
}

// NewCore returns a Core without connections.
func NewCore(config CoreConfig) *Core {
	return &Core{
		config: config,
		machine: lock.New(lock.Options{
			Reentrant:   config.Dialect.Reentrant(),
			MaxHoldings: config.MaxLocks,
		}),
		conns:   make(map[ID]*conn),
		maxDump: maxDump,
	}
}

// Open adds a connection from the address that is to be shown for it and
// returns its number (ADDR-1, ADDR-2); the address "unix" is shown as unix:N. It
// returns false, and adds nothing, if that would be one connection too many:
// the peer is to be sent Refusal and closed (BAD-4).
func (c *Core) Open(addr string) (ID, bool) {
	if limit := c.config.MaxConnections; limit > 0 && len(c.conns) >= limit {
		return 0, false
	}
	c.last++
	if addr == "unix" {
		addr = fmt.Sprintf("unix:%d", c.last)
	}
	c.conns[c.last] = &conn{id: c.last, addr: addr, lines: wire.Splitter{Max: c.config.MaxLine}}
	c.machine.Open(lock.Conn(c.last))
	return c.last, true
}

// Refusal appends the answer to a connection that Open refused (BAD-4).
func (c *Core) Refusal(out []byte) []byte {
	return c.config.Dialect.AppendTooMany(out)
}

// Receive takes bytes that arrived on a connection, executes every line that
// they end, in order, and appends the replies to out (LINE-5, LINE-6, REPLY-1).
// It does not change or keep data. For a connection that is not open it does
// nothing.
func (c *Core) Receive(id ID, data, out []byte) Result {
	from := c.conns[id]
	if from == nil {
		return Result{Out: out}
	}
	start := len(out)
	for len(out)-start < outputBatch {
		line, rest, split := from.lines.Next(data)
		switch split {
		case wire.NoLine:
			return Result{Out: out}
		case wire.LongLine:
			out = c.tooLong(out)
		case wire.WholeLine:
			out = c.execute(from, line, out)
		}
		data = rest
	}
	return Result{Out: out, Rest: data}
}

// EndMessage ends the line that the last bytes of a connection began, as the
// end of a WebSocket message does (WS-1), and is otherwise like Receive.
func (c *Core) EndMessage(id ID, out []byte) Result {
	from := c.conns[id]
	if from == nil {
		return Result{Out: out}
	}
	if line, split := from.lines.End(); split == wire.WholeLine {
		out = c.execute(from, line, out)
	}
	return Result{Out: out}
}

// Close ends a connection: all its locks are released, in one step, and counted
// as orphans (END-1, END-2, END-7, STATS-6); a line that it began is dropped
// (LINE-7) and its name is free (WHO-4). Closing one that is not open does
// nothing.
func (c *Core) Close(id ID) Orphans {
	from := c.conns[id]
	if from == nil {
		return Orphans{}
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

// Valid checks the invariants of the lock machine and that it, the registry and
// Core agree on which connections are open. It looks at everything: it is for
// tests and simulations.
func (c *Core) Valid() error {
	if err := c.machine.Valid(); err != nil {
		return err
	}
	if c.machine.Conns() != len(c.conns) {
		return fmt.Errorf("%d connections are open, %d in the lock machine", len(c.conns), c.machine.Conns())
	}
	return c.names.valid(c.conns)
}
