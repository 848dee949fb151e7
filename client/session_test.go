package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSession(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, addr string, extended bool) {
		ctx := testContext(t)
		c := dial(t, addr)
		a, b := session(t, c), session(t, c)
		ok(t, a.Get(ctx, "job"))
		is(t, b.Get(ctx, "job"), ErrHeld)
		is(t, b.Release(ctx, "job"), ErrNotHeld)
		if !must(b.Inspect(ctx, "job"))(t) || must(b.Inspect(ctx, "other"))(t) {
			t.Error("inspections are wrong")
		}
		for i, s := range []*Session{a, b} {
			if n := must(s.GetShared(ctx, "pool"))(t); n != i+1 {
				t.Errorf("%d holders", n)
			}
		}
		if n := must(a.InspectShared(ctx, "pool"))(t); n != 2 {
			t.Errorf("%d holders", n)
		}
		ok(t, a.ReleaseShared(ctx, "pool"))
		is(t, a.ReleaseShared(ctx, "pool"), ErrNotHeld)
		ok(t, a.Ping(ctx))
		if !extended {
			_, err := a.GetBounded(ctx, "pool", 3)
			is(t, err, ErrUnsupported)
			_, err = a.Token(ctx, "job")
			is(t, err, ErrUnsupported)
			_, err = a.Number(ctx)
			is(t, err, ErrUnsupported)
			_, err = a.Waiters(ctx, "")
			is(t, err, ErrUnsupported)
			is(t, a.Kill(ctx, 1, 0), ErrUnsupported)
			return
		}
		_, err := a.GetBounded(ctx, "pool", 1)
		is(t, err, ErrFull)
		if n := must(a.GetBounded(ctx, "pool", 3))(t); n != 2 {
			t.Errorf("%d holders", n)
		}
		_, err = a.GetBounded(ctx, "pool", 4)
		is(t, err, ErrOtherBound)
		token, shared := must(a.Token(ctx, "job"))(t), must(a.SharedToken(ctx, "pool"))(t)
		if shared <= token {
			t.Errorf("token %d after %d", shared, token)
		}
		_, err = b.Token(ctx, "job")
		is(t, err, ErrNotHeld)
		addrOf, name, err := a.Me(ctx)
		ok(t, err)
		if addrOf != name {
			t.Errorf("%q is called %q", addrOf, name)
		}
		ok(t, a.Iam(ctx, "worker 1"))
		if _, name, _ = a.Me(ctx); name != "worker 1" {
			t.Errorf("it is called %q", name)
		}
		victim := must(b.Number(ctx))(t)
		ok(t, a.Kill(ctx, victim, 0))
		<-b.Done()
		is(t, b.Ping(ctx), ErrLost)
	})
}

// TestPipelining checks that concurrent callers get their own replies, also if some give
// up, and others ask for lists.
func TestPipelining(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, addr string, extended bool) {
		ctx := testContext(t)
		c := dial(t, addr)
		s := session(t, c)
		var wait sync.WaitGroup
		for i := range 32 {
			wait.Go(func() {
				name := fmt.Sprintf("job %d", i)
				for n := range 60 {
					switch hurry, cancel := context.WithTimeout(ctx, time.Duration(n)*10*time.Microsecond); {
					case i%8 == 7:
						s.Inspect(hurry, name)
						cancel()
						continue
					default:
						cancel()
					}
					ok(t, s.Get(ctx, name))
					if !must(s.Inspect(ctx, name))(t) {
						t.Errorf("%s is free", name)
					}
					if n := must(s.GetShared(ctx, name))(t); n != 1 {
						t.Errorf("%s has %d holders", name, n)
					}
					if i%8 == 6 && n == 20 {
						if _, err := s.Stats(ctx); err != nil {
							t.Error(err)
						}
						all := must(s.Holders(ctx, name))(t)
						if j := slices.IndexFunc(all, func(h Holder) bool { return h.Name == name }); j < 0 {
							t.Errorf("%s is not among %+v", name, all)
						}
					}
					ok(t, s.ReleaseShared(ctx, name))
					ok(t, s.Release(ctx, name))
				}
			})
		}
		wait.Wait()
	})
}

// TestNoNames checks that a name costs nothing where the server has none, and that a
// refusal is no list.
func TestNoNames(t *testing.T) {
	t.Parallel()
	o := startOld(t)
	o.silent = true
	c := dial(t, o.addr, WithName("worker"))
	ctx := testContext(t)
	ok(t, must(c.Acquire(ctx, "0 disabled"))(t).Release(ctx))
	for line, want := range map[string]error{"0 disabled": ErrDisabled, "0 Reply Too Large": ErrTooLarge, "0 disabled: 127.0.0.1:1": nil, "0 Other": &refusal{"Other"}} {
		if got := disabled([]string{line}); !errors.Is(got, want) && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, addr string, extended bool) {
		ctx := testContext(t)
		c := dial(t, addr, WithName("worker 1"))
		classic := c.level.classic
		s := session(t, c)
		empty := must(s.Holders(ctx, ""))(t)
		if len(empty) > 0 {
			t.Errorf("%+v", empty)
		}
		held := must(c.Acquire(ctx, "lists: a"))(t)
		must(c.AcquireShared(ctx, "lists: b", 3))(t)
		must(c.AcquireShared(ctx, "lists: b", 3))(t)
		ok(t, s.Get(ctx, "other"))
		want := []Holder{{Name: "lists: a"}, {Name: "lists: b", Shared: true}, {Name: "lists: b", Shared: true}}
		for i := range want {
			want[i].Held, want[i].Bound, want[i].Holder = -1, -1, "worker 1"
			if extended && want[i].Shared {
				want[i].Bound = 3
			}
		}
		got := must(s.Holders(ctx, "lists"))(t)
		for i := range got {
			h := &got[i]
			if extended != (h.Held >= 0 && h.Held < time.Minute) || extended != (h.Token > 0) || extended != (h.Conn > 0) {
				t.Errorf("%+v", *h)
			}
			if (extended || classic) != strings.ContainsAny(h.Addr, ":") || classic != (h.Holder == h.Addr) {
				t.Errorf("%+v", *h)
			}
			if h.Held, h.Token, h.Conn, h.Addr = -1, 0, 0, ""; classic {
				h.Holder = "worker 1"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		stats := must(s.Stats(ctx))(t)
		wantStats := &Stats{Connections: 4, Locks: 2, SharedLocks: 1, Commands: stats.Commands}
		switch {
		case extended: // those of other tests are counted as well
			wantStats.Orphans, wantStats.SharedOrphans = stats.Orphans, stats.SharedOrphans
		case classic:
			wantStats.Locks, wantStats.SharedLocks = 3, 0
		default:
			wantStats.Orphans, wantStats.SharedOrphans = 7, 2
		}
		if diff := cmp.Diff(wantStats, stats, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if stats.Commands["g"] == 0 || !classic && stats.Commands["me"] > 0 {
			t.Errorf("%+v", stats.Commands)
		}
		who, err := s.Who(ctx)
		switch {
		case classic:
			is(t, err, ErrUnsupported)
		case err != nil || len(who) != 4 || who[0].Name != "worker 1" || !strings.Contains(who[0].Addr, ":"):
			t.Errorf("%+v, %v", who, err)
		}
		leader, err := s.Leader(ctx, "lists: a")
		if err != nil || !classic && leader != "worker 1" || leader == "" {
			t.Errorf("%q leads, %v", leader, err)
		}
		if leader, err := s.Leader(ctx, "lists: b"); err != nil || leader != "" {
			t.Errorf("%q leads, %v", leader, err)
		}
		if !extended {
			return
		}
		got2 := acquiring(t, func(ctx context.Context) (*Lock, error) { return c.Acquire(ctx, "lists: a") })
		waiting(t, s, "lists", 1)
		w := must(s.Waiters(ctx, ""))(t)[0]
		if w.Waited < 0 || w.Conn == 0 || !strings.Contains(w.Addr, ":") {
			t.Errorf("%+v", w)
		}
		w.Waited, w.Conn, w.Addr = 0, 0, ""
		if diff := cmp.Diff(Waiter{Name: "lists: a", Place: 1, Bound: -1, Waiter: "worker 1"}, w); diff != "" {
			t.Error(diff)
		}
		ok(t, held.Release(ctx))
		ok(t, (<-got2).Release(ctx))
	})
}

// TestFlooded checks that a call that finds too much unsent fails, and keeps no turn.
func TestFlooded(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	s := session(t, dial(t, startOld(t).addr))
	s.conn.mu.Lock()
	for s.conn.writing { // what the server has answered already
		s.conn.mu.Unlock()
		time.Sleep(time.Millisecond)
		s.conn.mu.Lock()
	}
	s.conn.out, s.conn.writing = make([]byte, mostUnsent+1), true
	s.conn.mu.Unlock()
	is(t, s.Get(ctx, "job"), ErrNoAnswer)
	s.conn.mu.Lock()
	s.conn.out, s.conn.writing = nil, false
	s.conn.mu.Unlock()
	ok(t, s.Get(ctx, "job"))
}
