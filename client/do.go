package client

import (
	"context"
	"errors"
)

// Do waits for an exclusive lock, runs f, and releases the lock. The context of f ends
// with ctx, and when the lock is lost, with a cause that is ErrLost. Do returns when f
// returns; the error is that of f, and ErrLost as well if the lock was lost before that.
func (c *Client) Do(ctx context.Context, name string, f func(ctx context.Context) error) error {
	l, err := c.Acquire(ctx, name)
	if err != nil {
		return err
	}
	return l.Do(ctx, f)
}

// Do runs f as Client.Do does, and releases the lock.
func (l *Lock) Do(ctx context.Context, f func(ctx context.Context) error) (err error) {
	inside, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	held := l.Context()
	defer context.AfterFunc(held, func() { cancel(context.Cause(held)) })()
	defer func() {
		// Not with ctx, which may have ended: that would cost the connection.
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.client.timeout)
		defer cancel()
		if lost := l.Release(release); lost != nil {
			err = errors.Join(err, lost)
		}
	}()
	return f(inside)
}
