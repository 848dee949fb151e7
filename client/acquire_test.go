package client

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// eachServer runs a test with each kind of server.
func eachServer(t *testing.T, f func(t *testing.T, addr string, extended bool)) {
	modern, other, classic, old := start(t, "-kill"), start(t, "-kill"), start(t, "-dialect", "classic"), startOld(t)
	for _, s := range []struct {
		name, addr string
		extended   bool
	}{
		{"tcp", modern.tcp, true}, {"unix", other.unix, true},
		{"classic", classic.tcp, false}, {"old", old.addr, false},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f(t, s.addr, s.extended)
		})
	}
}

// is fails unless an error is all of some.
func is(t testing.TB, err error, want ...error) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", want)
	}
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("got %v, want %v", err, w)
		}
	}
}

// ok fails if there is an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must returns a value without its error, which fails the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

// acquiring acquires in the background.
func acquiring(t testing.TB, acquire func(context.Context) (*Lock, error)) <-chan *Lock {
	got := make(chan *Lock, 1)
	ctx := testContext(t)
	go func() {
		l, err := acquire(ctx)
		if err != nil {
			t.Errorf("acquire: %v", err)
		}
		got <- l
	}()
	return got
}

// none fails if a lock is granted soon.
func none(t testing.TB, got <-chan *Lock) {
	t.Helper()
	select {
	case <-got:
		t.Error("the lock is granted too early")
	case <-time.After(50 * time.Millisecond):
	}
}

func TestAcquire(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, addr string, extended bool) {
		ctx := testContext(t)
		a, b := dial(t, addr), dial(t, addr)
		if a.Extended() != extended {
			t.Fatalf("extended: %v", a.Extended())
		}
		l := must(a.Acquire(ctx, "job"))(t)
		if l.Name() != "job" || (l.Token() > 0) != extended {
			t.Errorf("%q, token %d", l.Name(), l.Token())
		}
		_, err := b.TryAcquire(ctx, "job")
		is(t, err, ErrHeld)
		if want := `acquire "job" at ` + addr + `: another connection holds the lock`; err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		got := acquiring(t, func(ctx context.Context) (*Lock, error) { return b.Acquire(ctx, "job") })
		none(t, got)
		ok(t, l.Release(ctx))
		second := <-got
		if extended && second.Token() <= l.Token() {
			t.Errorf("token %d follows %d", second.Token(), l.Token())
		}
		is(t, l.Release(ctx), ErrNotHeld)
		is(t, context.Cause(l.Context()), ErrReleased)
		ok(t, second.Release(ctx))
		ok(t, must(a.TryAcquire(ctx, "job"))(t).Release(ctx))
	})
}

// TestGiveUp checks that the end of a context gives up the place in the queue.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, addr string, extended bool) {
		ctx := testContext(t)
		c := dial(t, addr)
		l := must(c.Acquire(ctx, "job"))(t)
		soon, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
		defer cancel()
		_, err := c.Acquire(soon, "job")
		is(t, err, ErrTimeout, context.DeadlineExceeded)
		why := errors.New("no longer")
		given, give := context.WithCancelCause(ctx)
		time.AfterFunc(30*time.Millisecond, func() { give(why) })
		_, err = c.Acquire(given, "job")
		is(t, err, ErrCancelled, why)
		_, err = c.Acquire(given, "job")
		is(t, err, ErrCancelled, why)
		if extended {
			s := session(t, c)
			for len(must(s.Waiters(ctx, ""))(t)) > 0 {
				time.Sleep(time.Millisecond)
			}
		}
		ok(t, l.Release(ctx))
		ok(t, must(c.Acquire(ctx, "job"))(t).Release(ctx))
	})
}

func TestShared(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, addr string, extended bool) {
		ctx := testContext(t)
		c := dial(t, addr)
		one := must(c.AcquireShared(ctx, "pool", 2))(t)
		two := must(c.TryAcquireShared(ctx, "pool", 2))(t)
		_, err := c.TryAcquireShared(ctx, "pool", 2)
		is(t, err, ErrFull)
		got := acquiring(t, func(ctx context.Context) (*Lock, error) { return c.AcquireShared(ctx, "pool", 2) })
		none(t, got)
		ok(t, one.Release(ctx))
		three := <-got
		ok(t, two.Release(ctx))
		ok(t, three.Release(ctx))
		_, err = c.AcquireShared(ctx, "pool", -1)
		if err == nil || !strings.Contains(err.Error(), "the bound -1 is not between 0 and") {
			t.Error(err)
		}
		if _, err := c.AcquireRead(ctx, "pool"); extended != (err == nil) {
			t.Errorf("a reader: %v", err)
		}
	})
}

func TestReadersAndWriter(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := dial(t, start(t).tcp)
	s := session(t, c)
	one, two := must(c.AcquireRead(ctx, "page"))(t), must(c.AcquireRead(ctx, "page"))(t)
	writer := acquiring(t, func(ctx context.Context) (*Lock, error) { return c.AcquireWrite(ctx, "page") })
	waiting(t, s, "page", 1)
	reader := acquiring(t, func(ctx context.Context) (*Lock, error) { return c.AcquireRead(ctx, "page") })
	waiting(t, s, "page", 2)
	ok(t, one.Release(ctx))
	none(t, writer)
	ok(t, two.Release(ctx))
	w := <-writer
	none(t, reader)
	ok(t, w.Release(ctx))
	ok(t, (<-reader).Release(ctx))
}

// waiting waits until so many wait for a name.
func waiting(t testing.TB, s *Session, name string, n int) {
	t.Helper()
	for ctx := testContext(t); ; time.Sleep(time.Millisecond) {
		if all := must(s.Waiters(ctx, name))(t); len(all) == n {
			return
		}
	}
}

func TestAcquireAll(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, addr string, extended bool) {
		ctx := testContext(t)
		c := dial(t, addr)
		s := session(t, c)
		l := must(c.AcquireAll(ctx, "b", "a", "c", "a"))(t)
		if !slices.Equal(l.Names(), []string{"a", "b", "c"}) {
			t.Errorf("%q", l.Names())
		}
		for _, name := range l.Names() {
			is(t, s.Get(ctx, name), ErrHeld)
		}
		ok(t, l.Release(ctx))
		ok(t, s.Get(ctx, "b"))
		soon, cancel := context.WithTimeout(ctx, time.Second) // enough for a
		defer cancel()
		_, err := c.AcquireAll(soon, "c", "b", "a")
		is(t, err, ErrTimeout)
		if !strings.HasPrefix(err.Error(), `acquire "b" at`) {
			t.Error(err)
		}
		for held := true; held; { // none of them, when the server has seen the end
			held = must(s.Inspect(ctx, "a"))(t)
		}
		ok(t, s.Release(ctx, "b"))
		_, err = c.AcquireAll(ctx)
		is(t, err, ErrName)
	})
}

// TestNames checks that names are what they were, and that two never become one.
func TestNames(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, addr string, extended bool) {
		ctx := testContext(t)
		c, normalizing := dial(t, addr), dial(t, addr, WithNormalizedNames())
		s := session(t, c)
		for _, name := range []string{"", "a", "a b", "\x00\xff\xfe", "é", "1 2", "g x", "b 3", "-", "\xef\xbb\xbfx", strings.Repeat("n", 60_000)} {
			if name == "" && addr[:5] == "127.0" && !extended && !c.level.classic {
				continue // members differ
			}
			l := must(c.Acquire(ctx, name))(t)
			if held := must(s.Inspect(ctx, name))(t); !held {
				t.Errorf("%.20q is not held", name)
			}
			if held := must(s.Inspect(ctx, name+"x"))(t); held {
				t.Errorf("%.20qx is held", name)
			}
			ok(t, l.Release(ctx))
		}
		for _, name := range []string{"a\nb", "\n", "a\n"} {
			for _, c := range []*Client{c, normalizing} {
				_, err := c.Acquire(ctx, name)
				is(t, err, ErrName)
			}
			is(t, s.Get(ctx, name), ErrName)
		}
		for _, name := range []string{" a", "a ", "a  b", "a\tb", "a\r", "\v", "a\fb", " "} {
			_, err := c.Acquire(ctx, name)
			is(t, err, ErrName)
			_, err = s.Holders(ctx, name)
			is(t, err, ErrName)
			l := must(normalizing.Acquire(ctx, name))(t)
			if strings.TrimSpace(l.Name()) != l.Name() || strings.ContainsAny(l.Name(), "\t\r\v\f") {
				t.Errorf("%q is locked as %q", name, l.Name())
			}
			ok(t, l.Release(ctx))
		}
		if !extended {
			return
		}
		_, err := c.Acquire(ctx, strings.Repeat("n", 70_000))
		is(t, err, ErrTooLong)
		ok(t, must(c.Acquire(ctx, "n"))(t).Release(ctx))
	})
}
