package loop

import (
	"container/heap"

	"lockd/server/core"
	"lockd/server/life"
)

// timers holds the connections that have a deadline, the earliest first. A
// connection stands in it once, at the earliest deadline it has had since it was
// looked at last: one that moves away is looked at again when it would have
// passed, so that moving it costs nothing.
type timers []*conn

// first is the moment at which to look at the first connection, Never if there is
// none.
func (t timers) first() core.Time {
	if len(t) == 0 {
		return core.Never
	}
	return t[0].alarm
}

// watch makes sure that a connection is looked at by its deadline.
func (t *timers) watch(c *conn) {
	deadline := c.life.Deadline()
	switch {
	case deadline >= c.alarm:
	case c.timer < 0:
		c.alarm = deadline
		heap.Push(t, c)
	default:
		c.alarm = deadline
		heap.Fix(t, int(c.timer))
	}
}

// remove forgets a connection.
func (t *timers) remove(c *conn) {
	if c.timer >= 0 {
		heap.Remove(t, int(c.timer))
	}
	c.alarm = core.Never
}

// expire lets the connections go on whose deadline has passed.
func (l *Loop) expire() {
	for l.timers.first() <= l.now {
		c := l.timers[0]
		l.timers.remove(c)
		if c.life.Step() == life.Read && c.life.Deadline() <= l.now {
			// It may be ready, and the loop too busy, or the whole process
			// stopped for a while, to have come to it.
			if input := l.read(c, life.Read); input != nil {
				l.execute(c, input)
			}
		}
		c.life.Expire(l.now)
		l.advance(c, 0)
	}
}

// The rest is heap.Interface.

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].alarm < t[j].alarm }

func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].timer, t[j].timer = int32(i), int32(j)
}

// Push implements heap.Interface.
func (t *timers) Push(c any) {
	c.(*conn).timer = int32(len(*t))
	*t = append(*t, c.(*conn))
}

// Pop implements heap.Interface.
func (t *timers) Pop() any {
	old := *t
	c := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	c.timer = -1
	return c
}
