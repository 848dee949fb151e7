package loop

import (
	"slices"

	"lockd/server/life"
)

// addBrief adds a connection to those that are sent a refusal, and closes the oldest
// if there are too many.
func (l *Loop) addBrief(c *conn) {
	l.brief = append(l.brief, c)
	if l.mostBrief == 0 || len(l.brief) <= l.mostBrief {
		return
	}
	l.brief = slices.DeleteFunc(l.brief, func(c *conn) bool { return c.life.Step() == life.Nothing })
	if len(l.brief) > l.mostBrief {
		oldest := l.brief[0]
		l.brief = slices.Delete(l.brief, 0, 1)
		oldest.life.Drop()
		l.advance(oldest, 0)
	}
}
