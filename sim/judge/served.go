package judge

import (
	"bytes"
	"slices"

	"lockd/server/core"
)

// A call of Core may answer connections that wait for locks. The model answers as many as
// Core has: how many a step answers is up to Core, within limits, but not which, in which
// order, and how.

// Served returns the connections that the last call has answered after they waited for a
// lock, in order. They go on with the input that they have sent behind the wait.
func (j *Judge) Served() []core.Resumed { return j.resumed }

// Dropped returns the connections that the last call has killed. Their Close is still to
// come.
func (j *Judge) Dropped() []core.ID { return j.dropped }

// Queued reports whether a connection waits for a lock.
func (j *Judge) Queued(n int) bool { return j.model.Queued(uint64(j.ID(n))) }

// Waiting returns how many connections wait for a lock.
func (j *Judge) Waiting() int { return j.model.Waiting() }

// allow lets the model answer as many as Core has in the call that was just made.
func (j *Judge) allow() {
	j.model.Now = int64(j.Now)
	j.resumed, j.dropped = slices.Clone(j.fx.Resumed()), slices.Clone(j.fx.Dropped())
	j.model.Allow(len(j.resumed))
}

// compareServed compares whom the call has answered. It returns whether Core has answered
// as many as it may in a step.
func (j *Judge) compareServed() (full bool) {
	want := j.model.Answers()
	size := 0
	for i, r := range j.resumed {
		switch {
		case i >= len(want):
			j.Failf("connection number %d is answered %q, and nobody could be", r.To, r.Reply)
		case uint64(r.To) != want[i].To || !bytes.Equal(r.Reply, want[i].Reply):
			j.Failf("connection number %d is answered %q, but it is the turn of number %d: %q", r.To, r.Reply, want[i].To, want[i].Reply)
		}
		size += len(r.Reply)
	}
	if killed := j.model.Killed(); !slices.EqualFunc(j.dropped, killed, func(a core.ID, b uint64) bool { return uint64(a) == b }) {
		j.Failf("connections number %d are killed, want %d", j.dropped, killed)
	}
	most := j.config.ServePiece
	if most <= 0 {
		most = servePiece
	}
	if full = len(j.resumed) >= most || size >= outputBatch; full {
		j.late = true
	}
	if !j.stopped && (len(j.resumed) > most || len(j.resumed) > 1 && size-len(j.resumed[len(j.resumed)-1].Reply) >= outputBatch) {
		j.Failf("WAIT-3: a step answers %d connections, with %d bytes, and may answer %d", len(j.resumed), size, most)
	}
	if j.late = j.late && j.model.Unserved(); j.model.Postponed() && !j.late {
		j.Failf("WAIT-3: somebody who waits could be granted a lock, and is not")
	}
	return full
}

// mayQueue checks whether the connection waits for a lock.
func (j *Judge) mayQueue(n int, state core.State) {
	if want := j.Queued(n); state.Queued != want {
		j.Failf("connection %d waits for a lock: %v, want %v", n, state.Queued, want)
	}
}

// EndOfStream passes the end of the stream of a connection that waits for a lock to Core.
func (j *Judge) EndOfStream(n int) {
	j.fx.Reset()
	j.core.EndOfStream(j.Now, j.ID(n), &j.fx)
	j.replies(noConn)
	j.allow()
	j.model.EndOfStream(uint64(j.ID(n)))
	j.compareServed()
}

// Stop calls Core.Stop: the server stops, nobody waits for a lock any more, and dumps are
// made without pauses.
func (j *Judge) Stop(now core.Time) {
	j.Now = now
	j.fx.Reset()
	j.core.Stop(now, &j.fx)
	j.replies(noConn)
	j.allow()
	j.model.Stop()
	j.stopped = true
	j.compareServed()
	j.dumps.pause, j.dumps.hurry = 0, true
}
