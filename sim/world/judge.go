package world

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"lockd/server/core"
	"lockd/sim/model"
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

// judge drives Core and the model side by side and compares every byte. It
// remembers the first difference; after that its results mean nothing.
type judge struct {
	options  Options
	core     *core.Core
	model    *model.Server
	commands int // executed by servers that were stopped

	now      core.Time
	making   *core.Dump        // that was begun
	began    core.Time         // when that was
	pause    core.Time         // when another may be begun
	hurry    bool              // the server stops: without pauses
	expected map[uint64][]byte // what those who waited then are to be answered

	in      []byte
	fx      core.Effects
	hash    hash.Hash
	pending []byte    // of the trace, not yet hashed
	record  *[]Op     // nil: off
	ids     []core.ID // by label; those of ended connections stay, for late bytes

	granted bool // a command was answered with yes
	failure error
}

func newJudge(o Options) *judge {
	j := &judge{options: o, hash: sha256.New()}
	j.start()
	return j
}

func (j *judge) start() {
	j.core = core.New(j.options.core())
	j.model = model.New(j.options.model())
	j.ids = j.ids[:0]
	j.making, j.expected, j.pause, j.hurry = nil, nil, 0, false
}

func (j *judge) failf(format string, args ...any) {
	if j.failure == nil {
		j.failure = fmt.Errorf(format, args...)
	}
}

// open connects and says whether the server accepted it.
func (j *judge) open(label int, addr string) bool {
	j.note(Open, label, []byte(addr))
	j.fx.Reset()
	id, ok := j.core.Open(j.now, peerFrom(addr), &j.fx)
	wantID, wantOK := j.model.Open(addr)
	if ok != wantOK || uint64(id) != wantID {
		j.failf("connection from %s: got number %d, accepted %v; want number %d, accepted %v", addr, id, ok, wantID, wantOK)
	}
	if ok {
		for len(j.ids) <= label {
			j.ids = append(j.ids, 0)
		}
		j.ids[label] = id
	} else if got, want := j.fx.To(0), j.model.Refusal(); !bytes.Equal(got, want) {
		j.failf("refused connection: got %q, want %q", got, want)
	}
	j.trace(nil)
	return ok
}

// id is the server's number for a connection, 0 when it never was accepted.
func (j *judge) id(label int) core.ID {
	if label < len(j.ids) {
		return j.ids[label]
	}
	return 0
}

// receive lets bytes arrive on a connection, once, and returns how many of
// them the server looked at, and its replies, valid until the next call.
func (j *judge) receive(label int, data []byte) (consumed int, replies []byte, state core.State) {
	j.note(Receive, label, data)
	id := j.id(label)
	j.in = append(j.in[:0], data...)
	j.fx.Reset()
	rest, state := j.core.Receive(j.now, id, j.in, &j.fx)
	consumed = len(data) - len(rest)
	if !bytes.Equal(j.in, data) || consumed < 0 || !bytes.Equal(rest, data[consumed:]) {
		j.failf("connection %d: the server changed its input %q to %q, rest %q", label, data, j.in, rest)
		return len(data), nil, state
	}
	clear(j.in) // whoever kept a piece of it loses it
	replies = j.replies(id)
	cost := bytes.Count(data[:consumed], newline) * (tableCost + holderCost*j.core.Conns())
	if consumed < len(data) && len(replies)+cost < outputBatch && !state.Waits {
		j.failf("connection %d: the server stopped after %d bytes of replies with input left", label, len(replies))
	}
	whole := consumed
	if state.Waits && consumed > 0 { // for the reply to the last line
		whole = bytes.LastIndexByte(data[:consumed-1], '\n') + 1
	}
	j.compare(label, data, replies, j.model.Receive(uint64(id), data[:whole]))
	if whole < consumed {
		j.await(label, data[whole:consumed])
	}
	j.mayEnd(label, state)
	j.trace(replies)
	j.granted = j.granted || len(replies) > 0 && replies[0] == '1'
	return consumed, replies, state
}

// endMessage ends a websocket message.
func (j *judge) endMessage(label int) (replies []byte, state core.State) {
	j.note(EndMessage, label, nil)
	id := j.id(label)
	j.fx.Reset()
	state = j.core.EndMessage(j.now, id, &j.fx)
	replies = j.replies(id)
	switch {
	case j.model.Waits(uint64(id)): // its message has not ended yet
	case state.Waits:
		j.await(label, nil)
	default:
		j.compare(label, nil, replies, j.model.EndMessage(uint64(id)))
	}
	j.mayEnd(label, state)
	j.trace(replies)
	return replies, state
}

// mayEnd checks whether the server ends the connection.
func (j *judge) mayEnd(label int, state core.State) {
	if want := j.model.Dismissed(uint64(j.id(label))); state.Ends != want {
		j.failf("BAD-7: connection %d is to be ended: %v, want %v", label, state.Ends, want)
	}
}

// close ends a connection and returns how many locks it orphaned.
func (j *judge) close(label int) core.Orphans {
	j.note(Close, label, nil)
	id := j.id(label)
	j.fx.Reset()
	got := j.core.Close(j.now, id, &j.fx)
	j.replies(0)
	exclusive, shared := j.model.Orphans()
	j.model.Close(uint64(id))
	nowExclusive, nowShared := j.model.Orphans()
	exclusive, shared = nowExclusive-exclusive, nowShared-shared
	if got.Exclusive != exclusive || got.Shared != shared {
		j.failf("the end of connection %d orphaned %d exclusive and %d shared locks, want %d and %d", label, got.Exclusive, got.Shared, exclusive, shared)
	}
	j.trace(nil)
	return got
}

// restart ends every connection and starts another server.
func (j *judge) restart() {
	j.note(Restart, 0, nil)
	j.commands += j.model.Commands()
	j.start()
	j.trace(nil)
}

// replies takes the replies to the connection that spoke out of the effects,
// which may hold nothing else.
func (j *judge) replies(spoke core.ID) []byte {
	for _, o := range j.fx.Outputs() {
		if o.To != spoke || len(o.Data) == 0 {
			j.failf("connection number %d spoke, and number %d was sent %q", spoke, o.To, o.Data)
		}
	}
	return j.fx.To(spoke)
}

// peerFrom is the peer of an address of this world; "unix" is that of a unix
// socket.
func peerFrom(addr string) core.Peer {
	if addr == core.Unix {
		return core.Peer{Network: core.Unix}
	}
	return core.Peer{Network: "tcp", Addr: addr}
}

func (j *judge) compare(label int, data, got, want []byte) {
	if j.options.Canary && bytes.Contains(want, []byte(" Release")) {
		want = append([]byte("canary: "), want...)
	}
	if !bytes.Equal(got, want) {
		j.failf("connection %d sent %q: got %q, want %q", label, data, got, want)
	}
}

// valid checks Core's own invariants.
func (j *judge) valid() {
	if err := j.core.Valid(); err != nil {
		j.failf("invariant: %w", err)
	}
}

// note adds an operation to the trace before it is done.
func (j *judge) note(kind Kind, label int, data []byte) {
	j.pending = append(j.pending, byte(kind))
	j.pending = binary.LittleEndian.AppendUint32(j.pending, uint32(label))
	j.pending = binary.LittleEndian.AppendUint32(j.pending, uint32(len(data)))
	j.pending = append(j.pending, data...)
	if j.record != nil {
		*j.record = append(*j.record, Op{kind, label, string(data)})
	}
}

// noteOp adds an operation around event loops to the trace.
func (j *judge) noteOp(op Op) {
	record := j.record
	j.record = nil
	j.note(op.Kind, op.Conn, []byte(op.Data))
	j.record = record
}

// trace adds what came of the operation to the trace.
func (j *judge) trace(replies []byte) {
	j.pending = append(j.pending, replies...)
	if len(j.pending) >= 32<<10 {
		j.hash.Write(j.pending)
		j.pending = j.pending[:0]
	}
}

// sum is the hash of all operations and replies so far.
func (j *judge) sum() [sha256.Size]byte {
	j.hash.Write(j.pending)
	j.pending = j.pending[:0]
	return [sha256.Size]byte(j.hash.Sum(nil))
}
