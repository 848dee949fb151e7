package bubble

import (
	"net"
	"os"
	"sync"
	"syscall"
)

// listener is a listener in memory.
type listener struct {
	actor *actor
	mu    sync.Mutex
	some  *sync.Cond
	queue []*conn
	// failures is how many calls of Accept fail before the next succeeds.
	failures int
	closed   bool
}

func newListener(a *actor) *listener {
	l := &listener{actor: a}
	l.some = sync.NewCond(&l.mu)
	return l
}

// offer queues the server's side of a new connection; false if the listener is closed.
func (l *listener) offer(c *conn, failures int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.queue = append(l.queue, c)
	l.failures += failures
	l.some.Signal()
	return true
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.take()
	l.actor.yield()
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (l *listener) take() (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.closed:
			return nil, net.ErrClosed
		case l.failures > 0:
			l.failures--
			return nil, os.NewSyscallError("accept", syscall.EMFILE)
		case len(l.queue) > 0:
			c := l.queue[0]
			l.queue = l.queue[1:]
			return c, nil
		}
		l.some.Wait()
	}
}

// Close implements net.Listener. Connections that were not accepted are reset.
func (l *listener) Close() error {
	l.mu.Lock()
	left := l.queue
	l.queue, l.closed = nil, true
	l.some.Broadcast()
	l.mu.Unlock()
	for _, c := range left {
		c.drop()
	}
	return nil
}

func (l *listener) Addr() net.Addr { return addr("10.0.0.254:9999") }
