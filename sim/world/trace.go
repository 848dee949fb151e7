package world

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"

	"lockd/server/core"
	"lockd/sim/judge"
)

// traced is the judge of a run. Every call that changes something goes into a hash
// together with its replies, and into record unless that is nil. Judge.Send, Await and
// CloseAll are not traced: they are for other packages.
type traced struct {
	*judge.Judge
	hash    hash.Hash
	pending []byte   // not yet hashed
	record  *[]Event // nil: off
	fair    fairness
}

func newTraced(o Options) *traced {
	t := &traced{Judge: judge.New(o.core()), hash: sha256.New(), fair: newFairness()}
	if o.Canary { // the oracle is wrong about releases
		t.Distort = func(want []byte) []byte { return bytes.ReplaceAll(want, []byte(" Release"), []byte(" Canary")) }
	}
	return t
}

// Open is Judge.Open, traced.
func (t *traced) Open(label int, addr string) (refusal []byte, ok bool) {
	note(t, Open, label, addr)
	return t.Judge.Open(label, addr)
}

// Receive is Judge.Receive, traced.
func (t *traced) Receive(label int, data []byte) (consumed int, replies []byte, state core.State) {
	note(t, Receive, label, data)
	consumed, replies, state = t.Judge.Receive(label, data)
	t.answered(replies)
	t.served()
	t.stood(label, state)
	return consumed, replies, state
}

// EndMessage is Judge.EndMessage, traced.
func (t *traced) EndMessage(label int) (replies []byte, state core.State) {
	note(t, EndMessage, label, "")
	replies, state = t.Judge.EndMessage(label)
	t.answered(replies)
	t.served()
	t.stood(label, state)
	return replies, state
}

// Close is Judge.Close, traced.
func (t *traced) Close(label int) core.Orphans {
	note(t, Close, label, "")
	t.fair.end(t.ID(label))
	orphans := t.Judge.Close(label)
	t.served()
	return orphans
}

// EndOfStream is Judge.EndOfStream, traced.
func (t *traced) EndOfStream(label int) {
	note(t, EndSeen, label, "")
	t.fair.ended[t.ID(label)] = t.ID(label) != 0 && t.IsOpen(label)
	t.Judge.EndOfStream(label)
	t.served()
}

// Stop is Judge.Stop, traced.
func (t *traced) Stop(now core.Time) {
	note(t, Halt, 0, "")
	t.fair.stopped = true
	t.Judge.Stop(now)
	t.served()
}

// served adds the replies to connections that have waited for a lock to the trace.
func (t *traced) served() {
	for _, r := range t.Served() {
		t.answered(r.Reply)
		t.fair.answer(t, r)
	}
}

// stood notes whether a connection waits for a lock now.
func (t *traced) stood(label int, state core.State) {
	if _, before := t.fair.waiting[t.ID(label)]; state.Queued && !before {
		t.fair.stand(t, t.ID(label))
	}
}

// Restart is Judge.Restart, traced.
func (t *traced) Restart() {
	note(t, Restart, 0, "")
	t.fair = newFairness()
	t.Judge.Restart()
}

// Tick is Judge.Tick after some time, traced.
func (t *traced) Tick(d core.Time) (begun *core.Dump) {
	note(t, Tick, 0, strconv.FormatInt(int64(d), 10))
	t.Now += d
	begun = t.Judge.Tick()
	t.served()
	return begun
}

// Make is Judge.Make, traced.
func (t *traced) Make() []core.Resumed {
	note(t, Made, 0, "")
	resumed := t.Judge.Make()
	for _, r := range resumed {
		t.answered(r.Reply)
	}
	return resumed
}

// apply applies one event of a trace.
func (t *traced) apply(event Event) {
	switch event.Kind {
	case Open:
		t.Open(event.Conn, event.Data)
	case Receive:
		t.Receive(event.Conn, []byte(event.Data))
	case EndMessage:
		t.EndMessage(event.Conn)
	case Close:
		t.Close(event.Conn)
	case Restart:
		t.Restart()
	case Tick:
		d, _ := strconv.ParseInt(event.Data, 10, 64)
		t.Tick(core.Time(max(0, d)))
	case Made:
		t.Make()
	case EndSeen:
		t.EndOfStream(event.Conn)
	case Halt:
		t.Stop(t.Now)
	}
}

// note adds an event to the trace, before it is applied.
func note[Data string | []byte](t *traced, kind Kind, label int, data Data) {
	t.pending = append(t.pending, byte(kind))
	t.pending = binary.LittleEndian.AppendUint32(t.pending, uint32(label))
	t.pending = binary.LittleEndian.AppendUint32(t.pending, uint32(len(data)))
	t.pending = append(t.pending, data...)
	if t.record != nil {
		*t.record = append(*t.record, Event{kind, label, string(data)})
	}
}

// answered adds the replies to the event to the trace.
func (t *traced) answered(replies []byte) {
	t.pending = append(t.pending, replies...)
	if len(t.pending) >= 32<<10 {
		t.hash.Write(t.pending)
		t.pending = t.pending[:0]
	}
}

// sum returns the hash of all events and replies. It ends the trace.
func (t *traced) sum() [sha256.Size]byte {
	t.hash.Write(t.pending)
	return [sha256.Size]byte(t.hash.Sum(nil))
}
