package loop

import (
	"slices"
	"syscall"

	"lockd/server/hub"
	"lockd/server/life"
)

// wait returns the backlog of a connection, which is made if there is none.
func (c *conn) wait() *backlog {
	if c.backlog == nil {
		c.backlog = new(backlog)
	}
	return c.backlog
}

// takeInput takes the input that waits.
func (c *conn) takeInput() []byte {
	in := c.backlog.in
	c.backlog.in = nil
	c.tidy()
	return in
}

// tidy gives back a backlog that holds nothing.
func (c *conn) tidy() {
	if b := c.backlog; b.sent == len(b.out) && len(b.in) == 0 {
		c.forget()
	}
}

// forget drops whatever waits.
func (c *conn) forget() {
	if b := c.backlog; b != nil && b.large {
		c.loop.hub.Replies.Remove(c)
	}
	c.backlog = nil
}

// send sends replies that are owed: at once as far as there is room, unless others
// wait before them. data is in the effects of the loop, or nobody else's.
func (l *Loop) send(c *conn, data []byte) {
	if c.life.Step() != life.Write {
		return // it has ended
	}
	if b := c.backlog; b != nil && b.sent < len(b.out) {
		b.out = append(b.out, data...)
		c.account()
		return
	}
	n, ok := l.write(c, data)
	if !ok {
		return
	}
	left := data[n:]
	c.life.Wrote(l.now, n, len(left) > 0)
	if len(left) == 0 {
		return
	}
	b := c.wait()
	if len(left) > cap(data)/2 {
		l.fx.Keep(c.id)
		b.out, b.sent = data, n
	} else {
		b.out, b.sent = slices.Clone(left), 0
	}
	c.account()
}

// account adds what waits to the account of large replies, if it is large.
func (c *conn) account() {
	if b := c.backlog; !b.large && len(b.out)-b.sent >= hub.LargeReply {
		b.large = true
		c.loop.hub.Replies.Add(c, len(b.out))
	}
}

// flush sends what waits, as far as there is room.
func (l *Loop) flush(c *conn) {
	b := c.backlog
	n, ok := l.write(c, b.out[b.sent:])
	if !ok {
		return
	}
	b.sent += n
	c.life.Wrote(l.now, n, b.sent < len(b.out))
	if b.sent == len(b.out) && b.large {
		b.large = false
		l.hub.Replies.Remove(c)
	}
	c.tidy()
}

// write writes once, and ends the connection if that fails.
func (l *Loop) write(c *conn, data []byte) (n int, ok bool) {
	n, errno := l.kernel.Write(c.fd, data[:min(len(data), life.WritePiece)])
	switch errno {
	case 0:
		return n, true
	case syscall.EAGAIN, syscall.EINTR:
		return 0, true
	}
	c.life.Ended(life.Failed)
	return 0, false
}
