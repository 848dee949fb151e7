package client

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Locker returns a sync.Locker for code that knows no other interface. Its Lock waits for
// the exclusive lock, and if the server cannot be reached, until it can. sync.Locker has no
// way to say that a lock was lost; lost is called when that happens, and must see to it
// that the program stops what it does under the lock, by ending the program if there is no
// other way. lost may not be nil. Unlock of a lock that is not held panics, as that of a
// sync.Mutex does, and so does a bad name, and Lock when the Client is closed.
func (c *Client) Locker(name string, lost func(error)) sync.Locker {
	if lost == nil {
		panic("lockd/client: a Locker needs a function that is called when the lock is lost")
	}
	if _, err := c.lockName(name); err != nil {
		panic("lockd/client: " + err.Error())
	}
	return &locker{client: c, name: name, lost: lost}
}

type locker struct {
	client *Client
	name   string
	lost   func(error)

	inside sync.Mutex // from Lock to Unlock, so that nobody unlocks the lock of another after a loss
	mu     sync.Mutex
	held   *Lock
	stop   func() bool // of the call of lost
}

// retryPause is the pause before a server that could not be reached is tried again.
const retryPause = time.Second

func (k *locker) Lock() {
	k.inside.Lock()
	for {
		l, err := k.client.Acquire(context.Background(), k.name)
		if errors.Is(err, ErrTooLong) || errors.Is(err, ErrClosed) && !errors.Is(err, ErrLost) {
			k.inside.Unlock()
			panic("lockd/client: " + err.Error()) // no time will mend it
		}
		if err != nil {
			time.Sleep(retryPause)
			continue
		}
		held := l.Context()
		stop := context.AfterFunc(held, func() { k.lost(context.Cause(held)) })
		k.mu.Lock()
		k.held, k.stop = l, stop
		k.mu.Unlock()
		return
	}
}

func (k *locker) Unlock() {
	k.mu.Lock()
	l, stop := k.held, k.stop
	k.held = nil
	k.mu.Unlock()
	if l == nil {
		panic("lockd/client: unlock of a lock that is not held")
	}
	stop()
	ctx, cancel := context.WithTimeout(context.Background(), k.client.timeout)
	defer cancel()
	l.Release(ctx) // if that fails, the end of the connection releases it
	k.inside.Unlock()
}
