package judge

import (
	"bytes"
	"cmp"
	"fmt"

	"lockd/server/core"
	"lockd/sim/model"
	"lockd/wire"
)

// outputBatch is the size of replies, in bytes, below which Core may not stop
// in the middle of its input [REPLY-5].
const outputBatch = 64 << 10

// servePiece is how many waiting connections a step may answer if the configuration does
// not say.
const servePiece = 512

// tableCost is the most that a small dump counts for in a batch, and holderCost the
// most that it counts for each connection in addition.
const (
	tableCost  = 512
	holderCost = 16
)

// killCost is the most that k counts for, and holdingCost the most for each lock that it
// releases or looks at.
const (
	killCost    = 128
	holdingCost = 8
)

// Judge drives a Core and the model side by side. It keeps the first difference;
// after that its results mean nothing. The caller numbers the connections, from 0.
// A Judge is not safe for concurrent use.
type Judge struct {
	// Now is the time that is passed to Core. The caller sets it; it never goes back.
	Now core.Time
	// Distort, if it is set, changes the model's replies to input: an oracle that is
	// wrong on purpose shows that failures are noticed.
	Distort func(want []byte) []byte

	config   core.Config
	core     *core.Core
	model    *model.Server
	conns    []conn // by the caller's number
	dumps    dumps
	commands int // executed before the last Restart
	granted  bool
	resumed  []core.Resumed // connections that this call has answered after they waited for a lock
	dropped  []core.ID      // connections that it has killed
	goingOn  []core.ID      // answered, and not gone on with, of Send
	ending   []core.ID      // killed, and not closed, of Send
	stopped  bool           // Stop was called, whose step answers all
	late     bool           // a step has answered as many as it may, and left some
	err      error

	in []byte // what Core is given
	fx core.Effects
}

// conn is a connection. It stays after its end, for bytes that arrive late.
type conn struct {
	id   core.ID
	open bool
	kept []byte // sent behind a wait, of Send
}

// noConn is the number of no connection.
const noConn = ^core.ID(0)

// New returns a Judge of a server with a configuration.
func New(c core.Config) *Judge {
	j := &Judge{config: c, conns: make([]conn, 0, 4)}
	j.start()
	return j
}

func (j *Judge) start() {
	j.core, j.model = core.New(j.config), Model(j.config)
	j.conns, j.dumps = j.conns[:0], dumps{}
	j.goingOn, j.ending, j.late, j.stopped = nil, nil, false, false
}

// Model returns the model of a server with a configuration.
func Model(c core.Config) *model.Server {
	return model.New(model.Config{
		Classic: c.Dialect == wire.Classic, Registry: c.Registry, Dump: c.Dump, AnswerInvalid: c.AnswerInvalid,
		MaxLine: c.MaxLine, MaxConnections: c.MaxConnections, MaxLocks: c.MaxLocks, MaxPerConn: c.MaxPerConn, MaxNameBytes: c.MaxNameBytes, PID: c.PID,
		Version: cmp.Or(c.Version, "devel"), Kill: c.Kill, LastToken: c.LastToken,
	})
}

// Peer returns the peer with an address. As in the model, "unix" is the address of
// clients of a unix socket.
func Peer(addr string) core.Peer {
	if addr == "unix" {
		return core.Peer{Transport: core.Unix}
	}
	return core.Peer{Addr: addr}
}

// Err returns the first failure, nil if there was none.
func (j *Judge) Err() error { return j.err }

// Failf records a failure, which the caller may have found itself. Only the first
// is kept.
func (j *Judge) Failf(format string, args ...any) {
	if j.err == nil {
		j.err = fmt.Errorf(format, args...)
	}
}

// Core returns the Core under test, to read figures from: calls that change it must
// go through the Judge.
func (j *Judge) Core() *core.Core { return j.core }

// Granted reports whether any command was answered with a number above 0.
func (j *Judge) Granted() bool { return j.granted }

// Commands returns how many commands were executed, including unknown ones.
func (j *Judge) Commands() int { return j.commands + j.model.Commands() }

// ID returns the server's number for a connection, 0 if it was never accepted.
func (j *Judge) ID(n int) core.ID {
	if n < len(j.conns) {
		return j.conns[n].id
	}
	return 0
}

// Open opens connection n, from an address. It returns whether the server accepts it,
// and its reply if not.
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
	j.replies(noConn)
	for len(j.conns) <= n {
		j.conns = append(j.conns, conn{})
	}
	j.conns[n] = conn{id: id, open: true}
	return nil, true
}

// Receive passes bytes that arrive on a connection to Core, once. It returns how many
// of them Core consumed, the replies, valid until the next call, and the state.
func (j *Judge) Receive(n int, data []byte) (consumed int, replies []byte, state core.State) {
	id := j.ID(n)
	j.in = append(j.in[:0], data...)
	j.fx.Reset()
	holdings := j.model.Holdings()
	rest, state := j.core.Receive(j.Now, id, j.in, &j.fx)
	consumed = len(data) - len(rest)
	if !bytes.Equal(j.in, data) || consumed < 0 || !bytes.Equal(rest, data[consumed:]) {
		j.Failf("connection %d: the server changed its input %q to %q, rest %q", n, data, j.in, rest)
		return len(data), nil, state
	}
	clear(j.in) // a piece that Core kept is lost, which changes later replies
	replies = j.replies(id)
	j.allow()
	whole := consumed
	if state.Waits && !state.Queued && consumed > 0 { // the last line has no reply yet
		whole = bytes.LastIndexByte(data[:consumed-1], '\n') + 1
	}
	want, left := j.model.Receive(uint64(id), data[:whole])
	j.compare(n, data, replies, want)
	if left > 0 {
		j.Failf("WAIT-5: connection %d waits, and %q behind that is executed", n, data[whole-left:whole])
	}
	full := j.compareServed()
	if consumed < len(data) && !state.Waits && !state.Ends && !full {
		cost := tableCost + holderCost*j.core.Conns()
		if j.config.Kill {
			cost += killCost + 2*holdingCost*holdings
		}
		if len(replies)+cost*bytes.Count(data[:consumed], []byte{'\n'}) < outputBatch {
			j.Failf("connection %d: the server stopped after %d bytes of replies with input left", n, len(replies))
		}
	}
	j.mayQueue(n, state)
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
	j.allow()
	switch {
	case j.model.Waits(uint64(id)): // its message has not ended yet
	case state.Waits && !state.Queued:
		j.mayWait(n, nil)
	default:
		j.compare(n, nil, replies, j.model.EndMessage(uint64(id)))
	}
	j.compareServed()
	j.mayQueue(n, state)
	j.mayEnd(n, state)
	return replies, state
}

// Close closes a connection and returns how many locks that has orphaned.
func (j *Judge) Close(n int) core.Orphans {
	id := j.ID(n)
	j.fx.Reset()
	got := j.core.Close(j.Now, id, &j.fx)
	j.replies(noConn)
	j.allow()
	exclusive, shared := j.model.Close(uint64(id))
	j.compareServed()
	if want := (core.Orphans{Exclusive: exclusive, Shared: shared}); got != want {
		j.Failf("the end of connection %d orphaned %d exclusive and %d shared locks, want %d and %d", n, got.Exclusive, got.Shared, want.Exclusive, want.Shared)
	}
	if n < len(j.conns) {
		j.conns[n].open, j.conns[n].kept = false, nil
	}
	return got
}

// Restart forgets all connections and starts a new server.
func (j *Judge) Restart() {
	j.commands += j.model.Commands()
	j.start()
}

// Valid checks Core's own invariants. It costs more than most calls, so the caller
// decides how often.
func (j *Judge) Valid() {
	if err := j.core.Valid(); err != nil {
		j.Failf("invariant: %w", err)
	}
}

// replies returns the output for the connection that sent the input, and checks that
// there is no other output.
func (j *Judge) replies(sender core.ID) []byte {
	for _, o := range j.fx.Outputs() {
		if o.To != sender || len(o.Data) == 0 {
			j.Failf("the input was of connection number %d, and number %d is sent %q", sender, o.To, o.Data)
		}
	}
	return j.fx.To(sender)
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

// Foreign reports whether the client of a connection speaks another protocol.
func (j *Judge) Foreign(n int) bool { return j.model.Foreign(uint64(j.ID(n))) }

// mayEnd checks whether the server dismisses the connection.
func (j *Judge) mayEnd(n int, state core.State) {
	if want := j.model.Dismissed(uint64(j.ID(n))); state.Ends != want {
		j.Failf("BAD-7: connection %d is dismissed: %v, want %v", n, state.Ends, want)
	}
}
