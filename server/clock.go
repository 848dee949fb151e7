package server

import (
	"time"

	"lockd/server/core"
)

// clock tells the time to Core and to the lives of connections: the wall clock
// when it was started, moved on by the monotonic clock, so that it never goes
// back.
type clock struct{ started time.Time }

func newClock() clock { return clock{time.Now()} }

func (c clock) now() core.Time {
	return core.Time(c.started.UnixNano()) + core.Time(time.Since(c.started))
}

// deadline is a moment as a deadline of a net.Conn; Never is none.
func (c clock) deadline(at core.Time) time.Time {
	if at == core.Never {
		return time.Time{}
	}
	return c.started.Add(time.Duration(at - core.Time(c.started.UnixNano())))
}
