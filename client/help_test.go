package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestDo(t *testing.T) {
	t.Parallel()
	d := start(t, "-kill")
	ctx := testContext(t)
	c := dial(t, d.tcp)
	s := session(t, c)
	wrong := errors.New("wrong")
	err := c.Do(ctx, "job", func(ctx context.Context) error {
		if !must(s.Inspect(ctx, "job"))(t) {
			t.Error("f runs without the lock")
		}
		return wrong
	})
	is(t, err, wrong)
	if errors.Is(err, ErrLost) || must(s.Inspect(ctx, "job"))(t) {
		t.Errorf("after f: %v", err)
	}
	type key struct{}
	err = c.Do(context.WithValue(ctx, key{}, 1), "job", func(ctx context.Context) error {
		if ctx.Value(key{}) != 1 {
			t.Error("the values of the context are missing")
		}
		ok(t, s.Kill(t.Context(), must(s.Holders(ctx, "job"))(t)[0].Conn, 0))
		<-ctx.Done()
		return context.Cause(ctx)
	})
	is(t, err, ErrLost)
	stopped, stop := context.WithCancel(ctx)
	is(t, c.Do(stopped, "job", func(ctx context.Context) error { stop(); <-ctx.Done(); return ctx.Err() }), context.Canceled)
	func() {
		defer func() { recover() }()
		c.Do(ctx, "job", func(context.Context) error { panic("f") })
	}()
	ok(t, must(c.TryAcquire(ctx, "job"))(t).Release(ctx)) // after f in all cases
}

// TestLead checks that one leads at a time, that another takes over, and that who was
// killed stands again.
func TestLead(t *testing.T) {
	t.Parallel()
	d := start(t, "-kill")
	ctx, stop := context.WithCancel(testContext(t))
	leads, leaves := make(chan string), make(chan string, 1)
	var wait sync.WaitGroup
	for i := range 3 {
		c := dial(t, d.tcp, WithName(fmt.Sprint("candidate ", i)))
		wait.Go(func() {
			err := c.Lead(ctx, "boss", func(ctx context.Context) error {
				select {
				case leads <- c.name:
				case <-ctx.Done():
				}
				<-ctx.Done()
				leaves <- c.name
				return ctx.Err()
			})
			is(t, err, context.Canceled)
		})
	}
	s := session(t, dial(t, d.tcp))
	for range 5 {
		name := <-leads
		if leader := must(s.Leader(ctx, "boss"))(t); leader != name {
			t.Errorf("%q leads, not %q", leader, name)
		}
		holder := must(s.Holders(ctx, "boss"))(t)[0]
		ok(t, s.Kill(ctx, holder.Conn, holder.Token))
		if left := <-leaves; left != name {
			t.Errorf("%q stops, not %q", left, name)
		}
	}
	stop()
	wait.Wait()
	c := dial(t, d.tcp)
	ok(t, c.Lead(t.Context(), "boss", func(context.Context) error { return nil }))
	wrong := errors.New("wrong")
	is(t, c.Lead(t.Context(), "boss", func(context.Context) error { return wrong }), wrong)
	s2 := session(t, c)
	kill := func(ctx context.Context) {
		ok(t, s2.Kill(t.Context(), must(s2.Holders(t.Context(), "boss"))(t)[0].Conn, 0))
		<-ctx.Done()
	}
	ok(t, c.Lead(t.Context(), "boss", func(ctx context.Context) error { kill(ctx); return nil }))
	is(t, c.Lead(t.Context(), "boss", func(ctx context.Context) error { kill(ctx); return wrong }), wrong)
	is(t, c.Lead(t.Context(), "a\nb", func(context.Context) error { return nil }), ErrName)
	c.Close()
	is(t, c.Lead(t.Context(), "boss", func(context.Context) error { return nil }), ErrClosed)
}

func TestLocker(t *testing.T) {
	t.Parallel()
	d := start(t, "-kill")
	c := dial(t, d.unix)
	ctx := testContext(t)
	lost := make(chan error, 1)
	a := c.Locker("job", func(err error) { lost <- err })
	b := c.Locker("job", func(err error) { t.Error(err) })
	n := 0
	var wait sync.WaitGroup
	for _, l := range []sync.Locker{a, b, a, b} {
		wait.Go(func() {
			for range 50 {
				l.Lock()
				n++
				l.Unlock()
			}
		})
	}
	if wait.Wait(); n != 200 {
		t.Errorf("%d, want 200", n)
	}
	a.Lock()
	s := session(t, c)
	ok(t, s.Kill(ctx, must(s.Holders(ctx, "job"))(t)[0].Conn, 0))
	is(t, <-lost, ErrLost)
	a.Unlock()
	// Whoever shares a Locker waits until the holder has noticed its loss.
	a.Lock()
	shared := make(chan struct{})
	go func() {
		a.Lock()
		defer a.Unlock()
		close(shared)
	}()
	ok(t, s.Kill(ctx, must(s.Holders(ctx, "job"))(t)[0].Conn, 0))
	is(t, <-lost, ErrLost)
	select {
	case <-shared:
		t.Error("two are inside")
	case <-time.After(20 * time.Millisecond):
	}
	a.Unlock()
	<-shared
	panics(t, "unlock of a lock that is not held", a.Unlock)
	panics(t, "a name that is too long", c.Locker(strings.Repeat("n", 70_000), func(error) {}).Lock)
	panics(t, "no function for the loss", func() { c.Locker("job", nil) })
	panics(t, "a bad name", func() { c.Locker("a\nb", func(error) {}) })
	c.Close()
	panics(t, "lock of a closed client", a.Lock)
}

func panics(t testing.TB, name string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", name)
		}
	}()
	f()
}

// TestRing checks that names are spread evenly, that a server more moves only its share,
// and that the mapping never changes.
func TestRing(t *testing.T) {
	t.Parallel()
	ring := func(n int) *Ring {
		r := new(Ring)
		for i := range n {
			r.clients = append(r.clients, &Client{addr: fmt.Sprintf("10.0.0.%d:9999", n-i)})
		}
		return r
	}
	four, five := ring(4), ring(5)
	count := map[string]int{}
	moved := 0
	const names = 10_000
	for i := range names {
		name := fmt.Sprint("job ", i)
		before, after := four.Client(name).addr, five.Client(name).addr
		count[before]++
		if after != before {
			if moved++; after != "10.0.0.5:9999" {
				t.Fatalf("%q moves from %s to %s", name, before, after)
			}
		}
	}
	for addr, n := range count {
		if n < names/4*9/10 || n > names/4*11/10 {
			t.Errorf("%s has %d of %d names", addr, n, names)
		}
	}
	if moved < names/5*9/10 || moved > names/5*11/10 {
		t.Errorf("%d of %d names move", moved, names)
	}
	for name, want := range map[string]uint64{"": 0x1b5ec8582230ea3a, "job": 0x7be504597952b72} {
		if got := weight("127.0.0.1:9999", name); got != want {
			t.Errorf("weight of %q: %#x, not %#x: all names would move", name, got, want)
		}
	}

	ctx := testContext(t)
	addrs := []string{start(t).tcp, start(t).tcp}
	r := must(DialRing(ctx, addrs))(t)
	defer r.Close()
	other := must(DialRing(ctx, []string{addrs[1], addrs[0]}))(t)
	defer other.Close()
	used := map[*Client]bool{}
	for i := range 20 {
		name := fmt.Sprint(i)
		l := must(r.Acquire(ctx, name))(t)
		_, err := other.TryAcquire(ctx, name)
		is(t, err, ErrHeld)
		ok(t, l.Release(ctx))
		ok(t, r.Do(ctx, name, func(context.Context) error { return nil }))
		used[r.Client(name)] = true
	}
	if len(used) != 2 {
		t.Errorf("%d servers are used", len(used))
	}
	for _, addrs := range [][]string{nil, {addrs[0], addrs[0]}, {addrs[0], "127.0.0.1:1"}} {
		if _, err := DialRing(ctx, addrs); err == nil {
			t.Errorf("a ring of %q", addrs)
		}
	}
}

// TestExclusion checks, under connections that are cut all the time, that a holder whose
// context has not ended is the only one: each holder claims a resource that checks tokens,
// and gives it up when its context ends.
func TestExclusion(t *testing.T) {
	t.Parallel()
	d := start(t)
	p := startProxy(t, d.tcp)
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	var highest atomic.Uint64
	var inside atomic.Int32
	var grants, losses atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		c := dial(t, p.Addr().String())
		wait.Go(func() {
			for ctx.Err() == nil {
				l, err := c.Acquire(ctx, "job")
				if err != nil {
					continue
				}
				grants.Add(1)
				for last := highest.Load(); ; last = highest.Load() { // a storage that refuses old tokens
					if last >= l.Token() {
						lostSoon(t, l)
						break
					}
					if highest.CompareAndSwap(last, l.Token()) {
						break
					}
				}
				inside.Add(1)
				// Who was inside may not know of its loss yet, but soon does.
				for began := time.Now(); inside.Load() > 1 && l.Context().Err() == nil; time.Sleep(time.Millisecond) {
					if time.Since(began) > 10*time.Second {
						t.Errorf("%d are inside", inside.Load())
						break
					}
				}
				select {
				case <-l.Context().Done():
				case <-time.After(time.Millisecond):
				}
				inside.Add(-1)
				if l.Release(ctx) != nil {
					losses.Add(1)
				}
			}
		})
	}
	for i := 0; ctx.Err() == nil && (grants.Load() < 300 || losses.Load() < 20); i++ {
		time.Sleep(20 * time.Millisecond)
		p.cut(i%2 == 0)
	}
	cancel()
	wait.Wait()
	if grants.Load() < 100 || losses.Load() < 5 {
		t.Errorf("%d grants and %d losses are too few", grants.Load(), losses.Load())
	}
}
