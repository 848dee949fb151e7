package loop

import (
	"container/heap"

	"lockd/server/core"
	"lockd/server/life"
)

// timers is a heap of the connections with a deadline, the earliest first. A
// connection is in it once, at the earliest deadline since it was last checked. A
// deadline that moves to a later time leaves the heap unchanged: the connection is
// checked again at the earlier time.
type timers []*conn

// first returns the moment at which to check the first connection, Never if there is
// none.
func (t timers) first() core.Time {
	if len(t) == 0 {
		return core.Never
	}
	return t[0].alarm
}

// watch makes sure that a connection is checked by its deadline.
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

// remove removes a connection.
func (t *timers) remove(c *conn) {
	if c.timer >= 0 {
		heap.Remove(t, int(c.timer))
	}
	c.alarm = core.Never
}

// expire advances the connections whose deadline has passed.
func (l *Loop) expire() {
	for l.timers.first() <= l.now {
		c := l.timers[0]
		l.timers.remove(c)
		if c.life.Step() == life.Read && c.life.Deadline() <= l.now {
			// It may be ready: the loop may have been too busy to read from it,
			// or the whole process was stopped for a while.
			if input := l.read(c, life.Read); input != nil {
				l.execute(c, input)
			}
		}
		if c.life.Step() == life.Execute { // it has executed in this turn, and left some
			l.later(c)
			continue
		}
		c.life.Expire(l.now)
		l.advance(c, 0)
	}
}

// The following methods implement heap.Interface.

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
