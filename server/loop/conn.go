package loop

import (
	"syscall"

	"lockd/server/core"
	"lockd/server/hub"
	"lockd/server/life"
)

// conn is one connection. It is small, since there may be very many idle ones, and has
// buffers only while they hold something.
type conn struct {
	loop    *Loop
	life    life.Life
	id      core.ID // 0 if it was refused
	token   uint64
	alarm   core.Time // in timers; Never if it is not there
	backlog *backlog  // nil if nothing waits
	fd      FD
	timer   int32 // place in timers; -1 if it is not there
	watched Ready // what the kernel watches for; 0 is only Hangup and Error, or nothing
	queued  bool  // in Loop.again
	marked  bool  // in Loop.marked
}

func newConn(l *Loop, fd FD) *conn {
	return &conn{loop: l, fd: fd, alarm: core.Never, timer: -1}
}

// Inbox implements hub.Owner.
func (c *conn) Inbox() *hub.Inbox { return c.loop.inbox }

// Opened implements hub.Owner.
func (c *conn) Opened(id core.ID) { c.id = id }

// Drop implements hub.Debtor.
func (c *conn) Drop() {
	c.loop.post(func() {
		c.life.Drop()
		c.loop.advance(c, 0)
	})
}

// attach begins to serve a connection that was admitted.
func (l *Loop) attach(c *conn, peer core.Peer) {
	l.observer.Opened(c.id, peer)
	c.token = l.slots.add(c)
	c.life = life.Admitted(l.now, l.limits)
	if l.dropping {
		c.life.Drop()
	}
	l.mark(c)
}

// refuse sends the refusal to a connection that was not admitted.
func (l *Loop) refuse(c *conn, answer []byte) {
	c.token = l.slots.add(c)
	c.life = life.Refused(l.now, l.limits)
	c.wait().out.Add(answer)
	l.advance(c, Writable)
}

// advance takes the steps of a connection's life that need not wait. ready is what the
// kernel reports about it. One call reads at most once, executes at most once, and
// writes waiting replies at most once.
func (l *Loop) advance(c *conn, ready Ready) {
	var input []byte // read in this call, or to be executed in it
	executed := false
	for {
		switch step := c.life.Step(); step {
		case life.Read, life.Discard:
			if ready&(Readable|Hangup|Error) == 0 {
				if l.rest(c) {
					return
				}
				continue
			}
			ready = 0
			input = l.read(c, step)
		case life.Execute:
			if executed || c.queued {
				l.later(c)
				return
			}
			if input == nil {
				input = c.takeInput()
			}
			l.execute(c, input)
			executed = true
		case life.Write:
			if ready&(Writable|Hangup|Error) == 0 {
				if l.rest(c) {
					return
				}
				continue
			}
			ready = 0
			l.flush(c)
		case life.Wait:
			if l.await(c, ready) {
				return
			}
			ready = 0
		case life.Release:
			l.release(c)
		case life.EndStream:
			c.life.StreamEnded(l.now, l.kernel.CloseWrite(c.fd) == 0)
			if !c.life.Stopping() {
				l.addBrief(c)
			}
		case life.Close:
			l.close(c)
		case life.Nothing:
			return
		}
	}
}

// later defers the rest of a connection's input to the next turn, so that many replies
// to one connection do not delay the others.
func (l *Loop) later(c *conn) {
	if !c.queued {
		c.queued = true
		l.again = append(l.again, c)
	}
}

// await makes a connection wait for its reply. It returns false if the next step is
// another one: the connection has broken meanwhile, or it waited for a lock and the
// client has ended its stream. It stops watching one whose two streams have ended and
// that waits for another reply: the kernel would report that all the time.
func (l *Loop) await(c *conn, ready Ready) bool {
	switch {
	case ready&Error != 0:
		c.life.Ended(life.Failed)
		return false
	case c.life.Queued() && ready&(PeerEnded|Hangup) != 0:
		l.hub.EndOfStream(l.now, c.id, l.inbox, &l.fx)
		l.deliver()
		return false
	case ready&Hangup != 0:
		l.kernel.Unwatch(c.fd)
		c.watched = 0
		return true
	}
	return l.rest(c)
}

// rest makes the kernel watch for what the next step of a connection needs. It
// returns false if that fails, which ends the connection.
func (l *Loop) rest(c *conn) bool {
	l.timers.watch(c)
	want := Readable
	switch c.life.Step() {
	case life.Write:
		want = Writable
	case life.Wait:
		if want = 0; c.life.Queued() {
			want = PeerEnded
		}
	}
	if want == c.watched {
		return true
	}
	if errno := l.kernel.Watch(c.fd, want, c.token); errno != 0 {
		c.life.Ended(life.Failed)
		return false
	}
	c.watched = want
	return true
}

// read reads once, and returns the input to be executed.
func (l *Loop) read(c *conn, step life.Step) []byte {
	n, errno := l.kernel.Read(c.fd, l.buf[:])
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
	case errno != 0:
		c.life.Ended(life.Failed)
	case n == 0:
		c.life.Ended(life.Finished)
	case step == life.Discard:
		c.life.Discarded(l.now)
	default:
		c.life.Received(n)
		return l.buf[:n]
	}
	return nil
}

// execute passes input to Core, sends the replies, and keeps the unprocessed rest. What
// earlier calls caused for this connection is sent before the replies. So is what is for
// other connections of the loop: a grant does not wait for the reply to the release.
func (l *Loop) execute(c *conn, input []byte) {
	rest, state := l.hub.Receive(l.now, c.id, input, l.inbox, &l.fx)
	out := l.fx.To(c.id)
	l.executing = c
	l.deliver()
	l.executing = nil
	c.life.Executed(l.now, len(rest) > 0, len(out) > 0, state)
	c.keep(rest, state.Held)
	if len(out) > 0 {
		l.send(c, out, false)
	}
}

// release closes a connection in Core, and drops its backlog.
func (l *Loop) release(c *conn) {
	orphans, _ := l.hub.Close(l.now, c.id, l.inbox, &l.fx)
	l.deliver()
	c.life.Released()
	c.forget()
	l.observer.Released(c.id, c.life.End(), orphans)
}

// close removes a connection; its descriptor is closed at the end of the turn.
func (l *Loop) close(c *conn) {
	c.life.Closed()
	c.forget()
	l.timers.remove(c)
	l.slots.remove(c.token)
	l.closing = append(l.closing, c)
}
