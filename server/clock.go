package server

import (
	"time"

	"lockd/server/core"
)

// clock is the time of Core and of the connections: the wall clock at the start,
// advanced by the monotonic clock, so that it never goes back.
type clock struct{ started time.Time }

func newClock() clock { return clock{time.Now()} }

func (c clock) now() core.Time {
	return core.Time(c.started.UnixNano()) + core.Time(time.Since(c.started))
}

// deadline converts a moment to a deadline of a net.Conn; Never is none.
func (c clock) deadline(at core.Time) time.Time {
	if at == core.Never {
		return time.Time{}
	}
	return c.started.Add(time.Duration(at - core.Time(c.started.UnixNano())))
}
