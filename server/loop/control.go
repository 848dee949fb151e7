package loop

import "lockd/server/hub"

// post makes the loop run a task in its own goroutine. It may be called from any
// goroutine.
func (l *Loop) post(task func()) { l.hub.Post(l.inbox, hub.Item{Run: task}) }

// Stop makes the loop, and those that it leads, close their listeners, answer what
// was received, release all locks and close all connections (END-8); Turn then
// returns false. It may be called from any goroutine.
func (l *Loop) Stop() { l.post(l.stop) }

func (l *Loop) stop() {
	if l.stopping {
		return
	}
	l.stopping = true
	for _, s := range l.listeners {
		l.slots.remove(s.token)
		l.kernel.Close(s.fd)
	}
	l.listeners = nil
	l.each(func(c *conn) { c.life.Stop(l.now) })
	for _, other := range l.others {
		if other != l {
			// After the connections that this loop has handed over.
			other.Stop()
		}
	}
}

// Drop ends all connections of the loop without answering, including those that are
// being handed over to it. It may be called from any goroutine.
func (l *Loop) Drop() {
	l.post(func() {
		l.dropping = true
		l.each(func(c *conn) { c.life.Drop() })
	})
}

// each calls do for every connection, then advances it.
func (l *Loop) each(do func(*conn)) {
	for i := range l.slots.all {
		if c, ok := l.slots.all[i].what.(*conn); ok {
			do(c)
			l.advance(c, 0)
		}
	}
}
