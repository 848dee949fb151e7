package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"lockd/wire"
)

// Want is a lock that is wanted: exclusive, or shared with a bound as in AcquireShared.
type Want struct {
	Name   string
	Shared bool
	Bound  int // 0 if it is not Shared
}

// Acquire waits for an exclusive lock until ctx ends. Where the server has the extended
// level it waits in the server's queue, and is served in turn; else it polls, with pauses
// of up to half a second. When ctx ends the place is given up. The error is ErrTimeout or
// ErrCancelled then, and that of ctx.
func (c *Client) Acquire(ctx context.Context, name string) (*Lock, error) {
	return c.acquire(ctx, "acquire", true, Want{Name: name})
}

// TryAcquire is Acquire without waiting: it returns ErrHeld. It waits for the answer of the
// server, as everything does: give ctx a deadline if the server may hang.
func (c *Client) TryAcquire(ctx context.Context, name string) (*Lock, error) {
	return c.acquire(ctx, "acquire", false, Want{Name: name})
}

// AcquireShared waits for a shared lock with at most bound holders, this one included: a
// semaphore. bound is at most 1,000,000,000. The smallest bound of all holders counts, so
// use one bound for one name. 0 is no bound; see AcquireRead. Exclusive and shared locks of
// one name do not exclude each other.
//
// A server without the extended level does not know bounds. There the client gets the
// lock, looks at the number of holders, and gives it back if there are too many, which is
// safe if all clients of the name do it. A bound of 0 is ErrUnsupported there.
func (c *Client) AcquireShared(ctx context.Context, name string, bound int) (*Lock, error) {
	return c.acquire(ctx, "acquire shared", true, Want{name, true, bound})
}

// TryAcquireShared is AcquireShared without waiting: it returns ErrFull. With the bounds 0
// and 1 it is AcquireRead and AcquireWrite without waiting.
func (c *Client) TryAcquireShared(ctx context.Context, name string, bound int) (*Lock, error) {
	return c.acquire(ctx, "acquire shared", false, Want{name, true, bound})
}

// AcquireRead waits for a lock that any number of readers may hold, or one writer (see
// AcquireWrite). A reader waits behind a writer that came before it, so that writers do
// not starve. It needs the extended level.
func (c *Client) AcquireRead(ctx context.Context, name string) (*Lock, error) {
	return c.acquire(ctx, "acquire for reading", true, Want{name, true, 0})
}

// AcquireWrite waits for the lock of AcquireRead, as its only holder. A reader cannot
// become a writer while it holds the lock; its own AcquireWrite would wait for itself.
func (c *Client) AcquireWrite(ctx context.Context, name string) (*Lock, error) {
	return c.acquire(ctx, "acquire for writing", true, Want{name, true, 1})
}

// AcquireAll waits for several exclusive locks, and holds all of them or none. It acquires
// them in the order of their bytes, so that two that want the same names do not wait for
// each other. It holds the first while it waits for the others.
func (c *Client) AcquireAll(ctx context.Context, names ...string) (*Lock, error) {
	var wants []Want
	for _, name := range names {
		wants = append(wants, Want{Name: name})
	}
	return c.AcquireWants(ctx, wants...)
}

// AcquireWants is AcquireAll for locks of both kinds. The order is that of their names;
// of two with one name the exclusive one comes first. A lock that is wanted with two
// bounds is acquired with the smaller one.
func (c *Client) AcquireWants(ctx context.Context, wants ...Want) (*Lock, error) {
	return c.acquire(ctx, "acquire", true, slices.Clone(wants)...)
}

// TryAcquireWants is AcquireWants without waiting: it returns ErrHeld or ErrFull.
func (c *Client) TryAcquireWants(ctx context.Context, wants ...Want) (*Lock, error) {
	return c.acquire(ctx, "acquire", false, slices.Clone(wants)...)
}

// staleConn is the time within which the end of an idle connection is noticed, at the
// latest when something is sent.
const staleConn = time.Second

// order checks what is wanted, and puts it in order. It returns the name that is wrong.
func (c *Client) order(wants []Want) (ordered []Want, name string, err error) {
	if len(wants) == 0 {
		return nil, "", fmt.Errorf("%w: there is none", ErrName)
	}
	for i := range wants {
		w := &wants[i]
		name, err := c.lockName(w.Name)
		if err == nil {
			err = checkBound(w.Bound)
		}
		if err != nil {
			return nil, w.Name, err
		}
		w.Name = name
	}
	slices.SortFunc(wants, func(a, b Want) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.rank(), b.rank()))
	})
	return slices.CompactFunc(wants, func(a, b Want) bool { return a.Name == b.Name && a.Shared == b.Shared }), "", nil
}

// rank orders what is wanted of one name: the exclusive lock, then the shared one, by its
// bound, of which none comes last.
func (w Want) rank() uint {
	switch {
	case !w.Shared:
		return 0
	case w.Bound == 0:
		return math.MaxUint
	}
	return uint(w.Bound)
}

// acquire acquires locks, one after the other, on one connection. wants is its own.
func (c *Client) acquire(ctx context.Context, op string, wait bool, wants ...Want) (*Lock, error) {
	wants, wrong, err := c.order(wants)
	if err != nil {
		return nil, c.error(op, wrong, err)
	}
	for {
		if ctx.Err() != nil {
			return nil, c.error(op, wants[0].Name, ended(ctx))
		}
		began := time.Now()
		k, used, err := c.get(ctx)
		if err != nil {
			return nil, c.error(op, wants[0].Name, err)
		}
		l := &Lock{client: c, conn: k, base: ctx}
		l.grants = l.one[:0]
		at, err := l.acquire(ctx, wait, wants)
		if err == nil {
			return l, nil
		}
		if errors.Is(err, ErrLost) {
			if used && ctx.Err() == nil && time.Since(began) < staleConn {
				continue // it had ended while it was idle
			}
		} else if ctx.Err() != nil || len(l.grants) > 0 {
			k.end(ErrClosed) // gives up the place in the queue, and what was granted
		} else {
			c.put(k)
		}
		return nil, c.error(op, wants[at].Name, err)
	}
}

// acquire acquires locks. If that fails it returns which of them could not be acquired.
func (l *Lock) acquire(ctx context.Context, wait bool, wants []Want) (at int, err error) {
	for at, w := range wants {
		var g grant
		if l.conn.level.extended {
			g, err = l.inLine(ctx, wait, w)
		} else {
			g, err = l.poll(ctx, wait, w)
		}
		if err != nil {
			return at, err
		}
		l.grants = append(l.grants, g)
	}
	return 0, nil
}

// inLine acquires a lock of a server that lets clients wait, together with its token.
func (l *Lock) inLine(ctx context.Context, wait bool, w Want) (grant, error) {
	get, token := request{command: wire.Get, name: w.Name, bound: -1}, request{command: wire.Token, name: w.Name}
	no := ErrHeld
	if w.Shared {
		get.command, get.bound, token.command, no = wire.GetBounded, w.Bound, wire.SharedToken, ErrFull
	}
	if wait {
		get.command, get.wait, no = wire.Wait, waitOf(ctx), ErrTimeout
	}
	got, asked := newCall(get), newCall(token)
	if err := l.conn.send(got, asked); err != nil {
		return grant{}, err
	}
	err := l.conn.wait(ctx, got)
	if err == nil && got.n == 0 {
		err = no // in words that are not known
	}
	if ctx.Err() == nil || err == nil {
		if tokenErr := l.conn.wait(ctx, asked); err == nil {
			err = tokenErr
		}
	}
	if errors.Is(err, ErrTimeout) && !errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", ErrTimeout, context.DeadlineExceeded)
	}
	if ctx.Err() != nil && err != nil {
		return grant{}, err // the reader may still use them
	}
	g := grant{w.Name, w.Shared, uint64(asked.n), int(got.n)}
	calls.Put(got)
	calls.Put(asked)
	return g, err
}

// waitOf returns for how many milliseconds the server may let a call wait whose context
// is ctx: a client that is stopped gets no lock that it does not want any more.
func waitOf(ctx context.Context) int64 {
	deadline, found := ctx.Deadline()
	if !found {
		return wire.MaxWait
	}
	left := time.Until(deadline) + time.Millisecond
	return min(max(left.Milliseconds(), 0), wire.MaxWait)
}

// The pauses between two polls.
const (
	leastPause = 5 * time.Millisecond
	longPause  = 500 * time.Millisecond
)

// poll acquires a lock of a server that does not let clients wait.
func (l *Lock) poll(ctx context.Context, wait bool, w Want) (grant, error) {
	if w.Shared && w.Bound == 0 {
		return grant{}, ErrUnsupported
	}
	for pause := leastPause; ; pause = min(2*pause, longPause) {
		holders, err := l.try(ctx, w)
		if err == nil {
			return grant{name: w.Name, shared: w.Shared, holders: int(holders)}, nil
		}
		if !wait || !errors.Is(err, ErrHeld) && !errors.Is(err, ErrFull) {
			return grant{}, err
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
		case <-l.conn.done:
			return grant{}, l.conn.err
		case <-ctx.Done():
			return grant{}, ended(ctx)
		}
	}
}

// try gets a lock of such a server if it is free, and returns the number of its holders.
func (l *Lock) try(ctx context.Context, w Want) (holders int64, err error) {
	command, no := wire.Get, ErrHeld
	if w.Shared {
		command, no = wire.GetShared, ErrFull
	}
	n, err := l.conn.ask(ctx, request{command: command, name: w.Name})
	if err == nil && n == 0 {
		err = no
	}
	if err == nil && w.Shared && n > int64(w.Bound) {
		if _, err = l.conn.ask(ctx, request{command: wire.ReleaseShared, name: w.Name}); err == nil {
			err = no
		}
	}
	return n, err
}
