package loop

import (
	"slices"

	"lockd/server/hub"
	"lockd/server/life"
)

// deliver handles the items that the last call of the hub has taken out of the inbox: it
// sends what they bring, and changes the lives of their connections. It makes no call of
// the hub, so that nothing new is caused before its caller has sent the replies of that
// call. What the connections do next is left to proceed.
func (l *Loop) deliver() {
	l.inbox.Taken(func(item hub.Item) {
		switch c, ok := item.Owner.(*conn); {
		case item.Run != nil:
			l.tasks = append(l.tasks, item.Run)
		case !ok:
		case item.New():
			peer := c.wait().peer
			c.forget()
			l.attach(c, peer)
		case c.life.End() == life.Open:
			l.deliverTo(c, item)
		}
	})
}

// deliverTo sends an output of another connection's call, resumes a connection that waited
// for it, and drops one that was killed.
func (l *Loop) deliverTo(c *conn, item hub.Item) {
	if item.Dropped {
		c.life.Drop()
	}
	if len(item.Data) > 0 {
		c.life.Owe(l.now)
		l.send(c, item.Data, item.Resumed)
	}
	if item.Resumed {
		c.life.Resumed(l.now)
	}
	l.mark(c)
}

// mark makes a connection proceed at the end of the turn. If it has input to be executed,
// that waits for the next one: of many connections each of which only releases what the
// next one waits for, all would be executed in one turn.
func (l *Loop) mark(c *conn) {
	switch {
	case c == l.executing: // and proceeds anyway
	case c.life.Step() == life.Execute:
		l.later(c)
	case !c.marked:
		c.marked = true
		l.marked = append(l.marked, c)
	}
}

// proceed advances the connections that were marked. Those that are marked meanwhile wait
// for the next turn: of many connections that wait for one lock and have broken, each
// hands it on to the next one.
func (l *Loop) proceed() {
	n := len(l.marked)
	for _, c := range l.marked[:n] {
		c.marked = false
		l.advance(c, 0)
	}
	l.marked = slices.Delete(l.marked, 0, n)
}
