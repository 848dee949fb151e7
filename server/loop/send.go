package loop

import (
	"slices"
	"syscall"

	"lockd/server/life"
)

// The maximum sizes of a write.
const (
	// replySize is for the replies to input that arrived together (REPLY-5).
	replySize = 64 << 10
	// pieceSize is for dumps, and for replies that had to wait for room: 2,000
	// clients that are sent a dump of 900 KB at once delay a well-behaved client by
	// up to 90 ms, with 64 KiB by up to 190. A single reader does not notice.
	pieceSize = 16 << 10
)

// send sends replies: at once as far as there is room, unless earlier ones wait. data
// is in the effects of the loop, or belongs to the connection, or is shared and never
// changed.
func (l *Loop) send(c *conn, data []byte, shared bool) {
	if c.life.Step() != life.Write {
		return // it has ended
	}
	n := 0
	if !c.owes() {
		size := replySize
		if shared {
			size = pieceSize
		}
		var ok bool
		if n, ok = l.write(c, data, size); !ok {
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

// flush sends waiting replies, as far as there is room.
func (l *Loop) flush(c *conn) {
	out := &c.backlog.out
	n, ok := l.write(c, out.Next(), pieceSize)
	if !ok {
		return
	}
	out.Sent(n)
	c.life.Wrote(l.now, n, out.Some())
	if n > 0 {
		c.account(true)
	}
}

// write writes once, at most size bytes, and ends the connection if that fails.
func (l *Loop) write(c *conn, data []byte, size int) (n int, ok bool) {
	n, errno := l.kernel.Write(c.fd, data[:min(len(data), size)])
	switch errno {
	case 0:
		return n, true
	case syscall.EAGAIN, syscall.EINTR:
		return 0, true
	}
	c.life.Ended(life.Failed)
	return 0, false
}
