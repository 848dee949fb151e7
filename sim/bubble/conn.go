package bubble

import (
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// addr is the address of one side of a connection in memory.
type addr string

func (a addr) Network() string { return "tcp" }
func (a addr) String() string  { return string(a) }

// conn is one side of a connection in memory. Its actor yields wherever another
// goroutine could interleave.
type conn struct {
	in, out       *stream
	actor         *actor
	local, remote addr
	most          int // bytes of one read or write; 0: no limit
	closed        atomic.Bool
	done          chan struct{} // closed by Close
	peer          *conn         // of a client: the server's side
	failWrite     *atomic.Int64 // counts down the writes until one fails; nil: none fails
}

// pipe returns the two sides of a connection, the client's first. It holds up to
// window bytes of replies.
func pipe(client, server *actor, from addr, window int) (*conn, *conn) {
	up, down := newStream(4<<10), newStream(window)
	const here = addr("10.0.0.254:9999")
	a := &conn{in: down, out: up, actor: client, local: from, remote: here, done: make(chan struct{})}
	b := &conn{in: up, out: down, actor: server, local: here, remote: from, done: make(chan struct{})}
	return a, b
}

func (c *conn) limit(p []byte) []byte {
	if c.most > 0 && len(p) > c.most {
		return p[:c.most]
	}
	return p
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	n, err := c.in.read(c.limit(p))
	c.actor.yield()
	if c.closed.Load() && n == 0 {
		return 0, net.ErrClosed
	}
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	c.actor.yield()
	written := 0
	for written < len(p) {
		if c.closed.Load() {
			return written, net.ErrClosed
		}
		if c.failWrite != nil && c.failWrite.Add(-1) == 0 {
			return written, fmt.Errorf("write to %s: injected failure", c.remote)
		}
		n, err := c.out.write(c.limit(p[written:]))
		written += n
		c.actor.yield()
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// CloseWrite ends the stream for the other side.
func (c *conn) CloseWrite() error {
	c.actor.yield()
	c.out.end()
	return nil
}

// Close implements net.Conn. As in a kernel, closing with unread bytes resets the
// connection, and so does a later write to the closed side.
func (c *conn) Close() error {
	c.actor.yield()
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	if c.in.unread() > 0 {
		c.out.reset(errReset)
	}
	c.out.end()
	c.in.reset(errReset)
	close(c.done)
	c.actor.yield()
	return nil
}

// Reset drops the connection and what is under way.
func (c *conn) Reset() error {
	c.actor.yield()
	return c.drop()
}

func (c *conn) drop() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	c.out.reset(errReset)
	c.in.reset(errReset)
	close(c.done)
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.set(&c.in.readBy, t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.set(&c.out.writeBy, t)
	return nil
}
