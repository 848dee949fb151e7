package judge

import (
	"bytes"
	"slices"

	"lockd/server/core"
)

// pauseFactor times the duration of a dump is the pause before the next may be begun.
const pauseFactor = 9

// dumps is the state of the replies that come later.
type dumps struct {
	making *core.Dump        // begun and not made; nil if none
	began  core.Time         // when making was begun
	pause  core.Time         // before then no other may be begun
	hurry  bool              // the server stops: there are no pauses
	wanted map[uint64][]byte // the replies to the connections that waited when making was begun
}

// mayWait checks that the reply to a line may come later, and notes that it does.
func (j *Judge) mayWait(n int, line []byte) {
	if !j.model.Await(uint64(j.ID(n)), line) {
		j.Failf("connection %d waits, although %q is answered at once", n, line)
	}
}

// Waits reports whether a connection waits for a reply.
func (j *Judge) Waits(n int) bool { return j.model.Waits(uint64(j.ID(n))) }

// Next returns Core's next deadline, at which Tick must be called.
func (j *Judge) Next() core.Time {
	next := j.core.Next()
	if deadline, some := j.model.Deadline(); some && next > core.Time(deadline) {
		j.Failf("WAIT-4: the time of a connection is over at %d, and Core is to be woken at %d", deadline, next)
	}
	return next
}

// Making reports whether a dump has been begun and not been made.
func (j *Judge) Making() bool { return j.dumps.making != nil }

// Pause returns the time before which no dump may be begun.
func (j *Judge) Pause() core.Time { return j.dumps.pause }

// Tick calls Core.Tick with the time Now, and returns the dump that this begins, nil
// if none. The replies to all connections that wait for it show the present state
// [DUMP-8].
func (j *Judge) Tick() (begun *core.Dump) {
	d := &j.dumps
	j.fx.Reset()
	due := j.core.Next()
	j.core.Tick(j.Now, &j.fx)
	j.replies(noConn)
	j.allow()
	j.model.Tick()
	if full := j.compareServed(); !full && j.model.Unserved() {
		j.Failf("WAIT-4: somebody waits whose time is over, or who could be granted a lock, and Core.Tick does nothing")
	}
	switch begun = j.fx.Dump(); {
	case begun == nil:
	case d.making != nil:
		j.Failf("a dump is begun while another is made")
	case j.Now < max(due, d.pause):
		j.Failf("a dump is begun %d ns too early", max(due, d.pause)-j.Now)
	default:
		d.making, d.began, d.wanted = begun, j.Now, j.model.Awaiting()
	}
	return begun
}

// Make makes the dump that was begun, gives it back to Core, and returns the replies
// that this causes. If no dump was begun it does nothing.
func (j *Judge) Make() []core.Resumed {
	d := &j.dumps
	if d.making == nil {
		return nil
	}
	d.making.Make()
	j.fx.Reset()
	j.core.Finish(j.Now, d.making, &j.fx)
	d.making = nil
	if !d.hurry {
		d.pause = j.Now + pauseFactor*(j.Now-d.began)
	}
	j.replies(noConn)
	if j.fx.Dump() != nil {
		j.Failf("Core.Finish begins another dump, which only Core.Tick may do")
	}
	for _, r := range j.fx.Resumed() {
		want, awaited := d.wanted[uint64(r.To)]
		if !awaited {
			j.Failf("connection number %d is answered %q, and did not wait when that dump was begun", r.To, r.Reply)
		} else if !bytes.Equal(r.Reply, want) {
			j.Failf("connection number %d has waited and got %q, want %q", r.To, r.Reply, want)
		}
		j.model.Answered(uint64(r.To))
	}
	return slices.Clone(j.fx.Resumed())
}
