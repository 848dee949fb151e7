package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"

	"lockd/wire"
)

// Lock is one lock or several that are held together, on a connection of their own. Its
// methods are safe for concurrent use.
//
// The connection is the lease: when it ends, for whatever reason, the locks are gone, and
// another may have them. Then Context ends. A holder must stop what it does under the
// lock, and must not begin anything new: nothing else tells the next holder to wait. What
// cannot be stopped in time needs a [Lock.Token] that the storage checks.
type Lock struct {
	client *Client
	conn   *conn
	base   context.Context // whose values Context has
	grants []grant
	one    [1]grant // the usual length

	mu       sync.Mutex
	released bool
	ctx      context.Context // nil until it is asked for
	cancel   context.CancelCauseFunc
}

// grant is a lock that was granted.
type grant struct {
	name    string
	shared  bool
	token   uint64
	holders int
}

// Name returns the name of the lock, of several the first.
func (l *Lock) Name() string { return l.grants[0].name }

// Names returns the names of the locks, in the order in which they were acquired.
func (l *Lock) Names() []string {
	var names []string
	for _, g := range l.grants {
		names = append(names, g.name)
	}
	return slices.Compact(names)
}

// Token returns the token of the grant, of several that of the last: it is greater than
// that of every earlier grant. Send it with every write to what the lock protects, and let
// the storage refuse writes with a lower token than the highest that it has seen. It is 0
// if the server does not have the extended level. Tokens of shared locks do not order
// their holders.
func (l *Lock) Token() uint64 { return l.grants[len(l.grants)-1].token }

// Holders returns how many connections held the lock when it was granted, this one
// included: 1 if it is exclusive. Of several locks it is that of the last.
func (l *Lock) Holders() int { return l.grants[len(l.grants)-1].holders }

// Context returns a context that ends when the lock is lost, with a cause that is ErrLost,
// or is released, with the cause ErrReleased. It has the values of the context with which
// the lock was acquired, but not its end.
func (l *Lock) Context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx != nil {
		return l.ctx
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(l.base))
	l.ctx, l.cancel = ctx, cancel
	if l.released {
		cancel(ErrReleased)
	} else { // before Release can give the connection to another Lock
		l.conn.watch(func() { cancel(l.conn.err) })
	}
	return ctx
}

// Release releases the lock, or returns ErrLost if it was lost before, or ErrNotHeld if it
// was released before. If ctx ends first it closes the connection, which releases the lock
// as soon as the server sees that, and returns the error of ctx.
func (l *Lock) Release(ctx context.Context) error {
	l.mu.Lock()
	if l.released {
		l.mu.Unlock()
		return l.client.error("release", l.Name(), ErrNotHeld)
	}
	l.released = true
	l.conn.watch(nil)
	cancel := l.cancel
	l.mu.Unlock()
	err := l.release(ctx)
	if err != nil {
		l.conn.end(ErrClosed)
	} else {
		l.client.put(l.conn)
	}
	if cancel != nil {
		if errors.Is(err, ErrLost) {
			cancel(err)
		}
		cancel(ErrReleased)
	}
	return l.client.error("release", l.Name(), err)
}

// release releases the locks one by one.
func (l *Lock) release(ctx context.Context) error {
	for i := range l.grants {
		g := &l.grants[len(l.grants)-1-i]
		command := wire.Release
		if g.shared {
			command = wire.ReleaseShared
		}
		n, err := l.conn.ask(ctx, request{command: command, name: g.name})
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotHeld
		}
	}
	return nil
}

// SyscallConn returns access to the descriptor of the connection, of which a child process
// may inherit a duplicate, and with it the lock: it is held until all who have the
// descriptor have closed it or ended, or until Release. Who inherits it must neither read
// nor write it. Under TLS it is that of the TCP connection below: what holds the lock is
// that this is open, and who inherits it need know nothing of TLS.
func (l *Lock) SyscallConn() (syscall.RawConn, error) {
	socket := socketOf(l.conn.net)
	if c, ok := socket.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, fmt.Errorf("a %T has no descriptor", socket)
}
