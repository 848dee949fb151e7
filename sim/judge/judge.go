package judge

import (
	"bytes"
	"fmt"

	"lockd/server/core"
	"lockd/sim/model"
	"lockd/wire"
)

// outputBatch is the size of replies, in bytes, below which Core may not stop
// in the middle of its input [REPLY-5].
const outputBatch = 64 << 10

// tableCost is what a small dump counts for in a batch at the most, and holderCost
// what it counts for each connection besides.
const (
	tableCost  = 512
	holderCost = 16
)

// Judge drives a Core and the model side by side. It remembers the first
// difference; after that its results mean nothing. Connections are named by
// numbers of the caller's, from 0. It is not safe for concurrent use.
type Judge struct {
	// Now is the time that Core is told. The caller sets it; it never goes back.
	Now core.Time
	// Distort, if it is set, changes what the model answers to what was received: an
	// oracle that is wrong on purpose shows that a failure is noticed.
	Distort func(want []byte) []byte

	config   core.Config
	core     *core.Core
	model    *model.Server
	conns    []conn // by the caller's number
	dumps    dumps
	commands int // executed by servers that were stopped
	granted  bool
	err      error

	in []byte // what Core is given
	fx core.Effects
}

// conn is a connection as the server knows it. One that has ended stays, for bytes
// that come late.
type conn struct {
	id   core.ID
	open bool
}

// nobody is the number of no connection.
const nobody = ^core.ID(0)

// New returns a Judge of a server of that configuration.
func New(c core.Config) *Judge {
	j := &Judge{config: c, conns: make([]conn, 0, 4)}
	j.start()
	return j
}

func (j *Judge) start() {
	j.core, j.model = core.New(j.config), Model(j.config)
	j.conns, j.dumps = j.conns[:0], dumps{}
}

// Model returns the model of a server of that configuration.
func Model(c core.Config) *model.Server {
	return model.New(model.Config{
		Classic: c.Dialect == wire.Classic, Registry: c.Registry, Dump: c.Dump, AnswerInvalid: c.AnswerInvalid,
		MaxLine: c.MaxLine, MaxConnections: c.MaxConnections, MaxLocks: c.MaxLocks, PID: c.PID,
	})
}

// Peer returns who connects from an address. As for the model, "unix" is that of
// a unix socket.
func Peer(addr string) core.Peer {
	if addr == core.Unix {
		return core.Peer{Network: core.Unix}
	}
	return core.Peer{Network: "tcp", Addr: addr}
}

// Err returns the first failure, nil if there was none.
func (j *Judge) Err() error { return j.err }

// Failf notes a failure, which may be one that somebody else has found.
func (j *Judge) Failf(format string, args ...any) {
	if j.err == nil {
		j.err = fmt.Errorf(format, args...)
	}
}

// Core returns what is judged, to ask it for figures: whatever changes it goes
// through the Judge.
func (j *Judge) Core() *core.Core { return j.core }

// Granted says whether any command was answered with a number above 0.
func (j *Judge) Granted() bool { return j.granted }

// Commands returns how many commands were executed, unknown ones included.
func (j *Judge) Commands() int { return j.commands + j.model.Commands() }

// ID returns the server's number for a connection, 0 if it never was accepted.
func (j *Judge) ID(n int) core.ID {
	if n < len(j.conns) {
		return j.conns[n].id
	}
	return 0
}

// Open connects from an address. It returns what the server answers if it refuses
// that, and whether it has accepted.
func (j *Judge) Open(n int, addr string) (refusal []byte, ok bool) {
	j.fx.Reset()
	id, ok := j.core.Open(j.Now, Peer(addr), &j.fx)
	wantID, wantOK := j.model.Open(addr)
	if ok != wantOK || uint64(id) != wantID {
		j.Failf("connection from %s: got number %d, accepted %v; want number %d, accepted %v", addr, id, ok, wantID, wantOK)
	}
	if !ok {
		refusal = j.replies(0)
		if want := j.model.Refusal(); !bytes.Equal(refusal, want) {
			j.Failf("refused connection: got %q, want %q", refusal, want)
		}
		return refusal, false
	}
	j.replies(nobody)
	for len(j.conns) <= n {
		j.conns = append(j.conns, conn{})
	}
	j.conns[n] = conn{id, true}
	return nil, true
}

// Receive lets bytes arrive on a connection, once, and returns how many of them
// the server looked at, its replies, valid until the next call, and its state.
func (j *Judge) Receive(n int, data []byte) (consumed int, replies []byte, state core.State) {
	id := j.ID(n)
	j.in = append(j.in[:0], data...)
	j.fx.Reset()
	rest, state := j.core.Receive(j.Now, id, j.in, &j.fx)
	consumed = len(data) - len(rest)
	if !bytes.Equal(j.in, data) || consumed < 0 || !bytes.Equal(rest, data[consumed:]) {
		j.Failf("connection %d: the server changed its input %q to %q, rest %q", n, data, j.in, rest)
		return len(data), nil, state
	}
	clear(j.in) // whoever kept a piece of it loses it
	replies = j.replies(id)
	if consumed < len(data) && !state.Waits {
		cost := bytes.Count(data[:consumed], []byte{'\n'}) * (tableCost + holderCost*j.core.Conns())
		if len(replies)+cost < outputBatch {
			j.Failf("connection %d: the server stopped after %d bytes of replies with input left", n, len(replies))
		}
	}
	whole := consumed
	if state.Waits && consumed > 0 { // for the reply to the last line
		whole = bytes.LastIndexByte(data[:consumed-1], '\n') + 1
	}
	j.compare(n, data, replies, j.model.Receive(uint64(id), data[:whole]))
	if whole < consumed {
		j.mayWait(n, data[whole:consumed])
	}
	j.mayEnd(n, state)
	return consumed, replies, state
}

// EndMessage ends a WebSocket message, and is otherwise like Receive.
func (j *Judge) EndMessage(n int) (replies []byte, state core.State) {
	id := j.ID(n)
	j.fx.Reset()
	state = j.core.EndMessage(j.Now, id, &j.fx)
	replies = j.replies(id)
	switch {
	case j.model.Waits(uint64(id)): // its message has not ended yet
	case state.Waits:
		j.mayWait(n, nil)
	default:
		j.compare(n, nil, replies, j.model.EndMessage(uint64(id)))
	}
	j.mayEnd(n, state)
	return replies, state
}

// Close ends a connection and returns how many locks that has orphaned.
func (j *Judge) Close(n int) core.Orphans {
	id := j.ID(n)
	j.fx.Reset()
	got := j.core.Close(j.Now, id, &j.fx)
	j.replies(nobody)
	exclusive, shared := j.model.Orphans()
	j.model.Close(uint64(id))
	nowExclusive, nowShared := j.model.Orphans()
	if want := (core.Orphans{Exclusive: nowExclusive - exclusive, Shared: nowShared - shared}); got != want {
		j.Failf("the end of connection %d orphaned %d exclusive and %d shared locks, want %d and %d", n, got.Exclusive, got.Shared, want.Exclusive, want.Shared)
	}
	if n < len(j.conns) {
		j.conns[n].open = false
	}
	return got
}

// Restart ends every connection and starts another server.
func (j *Judge) Restart() {
	j.commands += j.model.Commands()
	j.start()
}

// Valid checks Core's own invariants. That costs more than most calls do, so that
// the caller says how often it is done.
func (j *Judge) Valid() {
	if err := j.core.Valid(); err != nil {
		j.Failf("invariant: %w", err)
	}
}

// replies takes the replies to the connection that spoke out of the effects,
// which may hold nothing else.
func (j *Judge) replies(spoke core.ID) []byte {
	for _, o := range j.fx.Outputs() {
		if o.To != spoke || len(o.Data) == 0 {
			j.Failf("connection number %d spoke, and number %d was sent %q", spoke, o.To, o.Data)
		}
	}
	return j.fx.To(spoke)
}

func (j *Judge) compare(n int, data, got, want []byte) {
	if j.Distort != nil {
		want = j.Distort(want)
	}
	if !bytes.Equal(got, want) {
		j.Failf("connection %d sent %q: got %q, want %q", n, data, got, want)
	}
	j.granted = j.granted || len(got) > 0 && '1' <= got[0] && got[0] <= '9'
}

// mayEnd checks whether the server ends the connection.
func (j *Judge) mayEnd(n int, state core.State) {
	if want := j.model.Dismissed(uint64(j.ID(n))); state.Ends != want {
		j.Failf("BAD-7: connection %d is to be ended: %v, want %v", n, state.Ends, want)
	}
}
