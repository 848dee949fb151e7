package client

import (
	"context"
	"errors"
	"time"
)

// Lead runs f whenever this process is the leader, until f returns by itself, or ctx ends.
// The leader is the holder of the exclusive lock; the others wait in line. The context of
// f ends when the leadership is lost, with a cause that is ErrLost: f must then stop at
// once and return, since another process leads. After that, and when the server cannot be
// reached, Lead stands for election again.
//
// It returns what f returns, unless the leadership was lost and that is an end of f's
// context (context.Canceled or ErrLost); and the error of ctx when that has ended. Give the
// Client a name (WithName) that tells others who leads; see Session.Leader.
func (c *Client) Lead(ctx context.Context, name string, f func(ctx context.Context) error) error {
	for {
		l, err := c.Acquire(ctx, name)
		if err == nil {
			var result error
			err = l.Do(ctx, func(ctx context.Context) error {
				result = f(ctx)
				return result
			})
			stopped := errors.Is(result, context.Canceled) || errors.Is(result, ErrLost)
			if !errors.Is(context.Cause(l.Context()), ErrLost) || !stopped {
				return result
			}
		}
		if errors.Is(err, ErrName) || errors.Is(err, ErrTooLong) || errors.Is(err, ErrClosed) && !errors.Is(err, ErrLost) {
			return err // no time will mend it
		}
		select {
		case <-ctx.Done():
			return c.error("lead", name, ended(ctx))
		case <-time.After(retryPause):
		}
	}
}

// Leader returns who holds an exclusive lock, as Holder shows it: the leader of Lead. ""
// is nobody. It needs the dump feature.
func (s *Session) Leader(ctx context.Context, name string) (string, error) {
	all, err := s.holders(ctx, name)
	if err != nil {
		return "", s.error("ask for the leader", name, err)
	}
	name, _ = s.lockName(name)
	for _, h := range all {
		if h.Name == name && !h.Shared {
			return h.Holder, nil
		}
	}
	return "", nil
}
