//go:build unix

package client

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFrozen checks that no call outlives its context if the server does not answer, and
// that what was given up is released when it goes on.
func TestFrozen(t *testing.T) {
	t.Parallel()
	d := start(t)
	c := dial(t, d.tcp)
	ctx := testContext(t)
	s := session(t, c)
	l := must(c.Acquire(ctx, "job"))(t)
	d.signal(syscall.SIGSTOP)
	defer d.signal(syscall.SIGCONT)
	at := func(d time.Duration) context.Context {
		ctx, cancel := context.WithTimeout(ctx, d)
		t.Cleanup(cancel)
		return ctx
	}
	soon := func() context.Context { return at(20 * time.Millisecond) }
	err := error(nil)
	for err == nil { // it takes a moment to stop
		err = s.Get(soon(), "s")
	}
	is(t, err, ErrTimeout)
	_, err = s.Stats(soon())
	is(t, err, ErrTimeout)
	_, err = s.Holders(soon(), "")
	is(t, err, ErrTimeout)
	big := strings.Repeat("n", 60_000)
	for range 200 { // more than the kernel takes
		is(t, s.Get(at(time.Millisecond), big), ErrTimeout)
	}
	_, err = c.Acquire(soon(), "other")
	is(t, err, ErrTimeout)
	_, err = Dial(ctx, d.tcp, WithDialTimeout(50*time.Millisecond))
	if err == nil || !strings.HasSuffix(err.Error(), "the server does not answer within 50ms") {
		t.Error(err)
	}
	is(t, l.Release(soon()), ErrTimeout)
	_, err = Dial(soon(), d.tcp)
	is(t, err, ErrTimeout)
	d.signal(syscall.SIGCONT)
	ok(t, must(c.Acquire(ctx, "job"))(t).Release(ctx))
	ok(t, s.Get(ctx, "other"))
	held := must(s.Holders(ctx, ""))(t)
	for _, h := range held {
		if h.Name == "job" {
			t.Errorf("held: %+v", h)
		}
	}
}
