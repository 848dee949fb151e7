package loop

import (
	"lockd/server/hub"
	"lockd/server/life"
)

// deliverInbox handles the items that were taken out of the inbox.
func (l *Loop) deliverInbox() {
	l.deliver()
	l.proceed()
}

// deliver sends what the items in the inbox bring, and changes the lives of their
// connections. It makes no call of Core, so that nothing new is caused while the replies
// of the last call are not sent: see execute. Its caller calls proceed later.
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
			l.mark(c)
		case c.life.End() == life.Open:
			l.deliverTo(c, item)
			l.mark(c)
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
}

// mark makes a connection proceed, unless it is being executed: then it goes on anyway.
func (l *Loop) mark(c *conn) {
	if c != l.executing && !c.marked {
		c.marked = true
		l.delivered = append(l.delivered, c)
	}
}

// proceed advances the connections to which something was delivered. It may be called
// again meanwhile, by the end of a connection whose lock is granted to another one. It
// executes nothing: a chain of connections that release what the next one waits for would
// take the loop for as long as it is.
func (l *Loop) proceed() {
	for at := 0; at < len(l.delivered); at++ {
		c := l.delivered[at]
		l.delivered[at] = nil
		if c == nil {
			continue
		}
		c.marked = false
		if c.life.Step() == life.Execute {
			l.later(c)
		} else {
			l.advance(c, 0)
		}
	}
	l.delivered = l.delivered[:0]
}
