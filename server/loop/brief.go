package loop

import "lockd/server/life"

// addBrief adds a connection to those that are there for a moment, and closes another
// that it takes the place of.
func (l *Loop) addBrief(c *conn) {
	l.brief = append(l.brief, c)
	for len(l.brief) > 0 && l.brief[0].life.Step() == life.Nothing {
		l.oldestBrief()
	}
	if l.mostBrief > 0 && len(l.brief) > l.mostBrief {
		oldest := l.oldestBrief()
		oldest.life.Drop()
		l.advance(oldest, 0)
	}
}

// oldestBrief takes out the oldest of them.
func (l *Loop) oldestBrief() *conn {
	oldest := l.brief[0]
	l.brief[0] = nil
	l.brief = l.brief[1:]
	return oldest
}
