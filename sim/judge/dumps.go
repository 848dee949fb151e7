package judge

import (
	"bytes"
	"slices"

	"lockd/server/core"
)

// pauseFactor is how many times as long as a dump took no other may be begun.
const pauseFactor = 9

// dumps is what is known of the replies that come later.
type dumps struct {
	making *core.Dump        // that was begun
	began  core.Time         // when that was
	pause  core.Time         // when another may be begun
	hurry  bool              // the server stops: without pauses
	wanted map[uint64][]byte // what those who waited then are to be answered
}

// mayWait checks that the reply to a line may come later, and notes that it will.
func (j *Judge) mayWait(n int, line []byte) {
	if !j.model.Await(uint64(j.ID(n)), line) {
		j.Failf("connection %d waits for a reply, which %q has at once", n, line)
	}
}

// Waits says whether a connection waits for a reply.
func (j *Judge) Waits(n int) bool { return j.model.Waits(uint64(j.ID(n))) }

// Next returns the moment at which Core wants Tick to be called.
func (j *Judge) Next() core.Time { return j.core.Next() }

// Making says whether a dump has been begun and not been made.
func (j *Judge) Making() bool { return j.dumps.making != nil }

// Pause returns the moment before which no dump may be begun.
func (j *Judge) Pause() core.Time { return j.dumps.pause }

// Tick tells Core what time it is, and returns the dump that this begins, nil if
// none. Whoever waits for it is to be answered what is true now [DUMP-8].
func (j *Judge) Tick() (begun *core.Dump) {
	d := &j.dumps
	j.fx.Reset()
	due := j.core.Next()
	j.core.Tick(j.Now, &j.fx)
	j.replies(nobody)
	for _, r := range j.fx.Resumed() {
		j.Failf("connection number %d is answered %q, and nobody has made that", r.To, r.Reply)
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

// Make makes the dump that was begun and gives it back, and returns who was
// answered. Without one it does nothing.
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
	j.replies(nobody)
	if j.fx.Dump() != nil {
		j.Failf("the end of a dump begins another, and nobody has told the time")
	}
	for _, r := range j.fx.Resumed() {
		want, awaited := d.wanted[uint64(r.To)]
		if !awaited {
			j.Failf("connection number %d is answered %q, and has not waited when that was begun", r.To, r.Reply)
		} else if !bytes.Equal(r.Reply, want) {
			j.Failf("connection number %d has waited for %q, want %q", r.To, r.Reply, want)
		}
		j.model.Answered(uint64(r.To))
	}
	return slices.Clone(j.fx.Resumed())
}

// Stop tells Core that the server stops: dumps are made without pauses.
func (j *Judge) Stop(now core.Time) {
	j.core.Stop(now)
	j.dumps.pause, j.dumps.hurry = 0, true
}
