package loop

import (
	"slices"
	"syscall"

	"lockd/server/life"
)

// writeSize is the most bytes that one connection writes in a turn: many that are sent
// a dump at once must not hold up the others.
const writeSize = 64 << 10

// send sends replies that are owed: at once as far as there is room, unless others
// wait before them. data is in the effects of the loop, or nobody else's; if it is
// shared, it is never changed.
func (l *Loop) send(c *conn, data []byte, shared bool) {
	if c.life.Step() != life.Write {
		return // it has ended
	}
	n := 0
	if !c.owes() {
		var ok bool
		if n, ok = l.write(c, data); !ok {
			return
		}
		c.life.Wrote(l.now, n, n < len(data))
	}
	left := data[n:]
	switch {
	case len(left) == 0:
		return
	case shared:
		c.wait().out.AddShared(left, data)
	case len(left) > cap(data)/2:
		l.fx.Keep(c.id)
		c.wait().out.Add(left)
	default:
		c.wait().out.Add(slices.Clone(left))
	}
	c.account(n > 0)
}

// flush sends what waits, as far as there is room.
func (l *Loop) flush(c *conn) {
	out := &c.backlog.out
	n, ok := l.write(c, out.Next())
	if !ok {
		return
	}
	out.Sent(n)
	c.life.Wrote(l.now, n, out.Some())
	if n > 0 {
		c.account(true)
	}
}

// write writes once, and ends the connection if that fails.
func (l *Loop) write(c *conn, data []byte) (n int, ok bool) {
	n, errno := l.kernel.Write(c.fd, data[:min(len(data), writeSize)])
	switch errno {
	case 0:
		return n, true
	case syscall.EAGAIN, syscall.EINTR:
		return 0, true
	}
	c.life.Ended(life.Failed)
	return 0, false
}
