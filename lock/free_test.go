package lock

import (
	"fmt"
	"strings"
	"testing"
)

// TestFree checks that released locks do not stay in the table for ever, and that
// those that stay work as new ones do.
func TestFree(t *testing.T) {
	m := New(Options{})
	one := Conn(1)
	m.Open(one)
	m.Open(2)
	name := func(i int) []byte { return fmt.Appendf(nil, "lock-%d", i) }
	for round := range 3 {
		for i := range 2*maxFree + 10 {
			if m.Get(one, name(i)) != Granted {
				t.Fatalf("round %d: %s is not granted", round, name(i))
			}
			if i%3 == 0 { // held for a while
				continue
			}
			if m.Get(2, name(i)) != Denied || !m.Release(one, name(i)) || m.Release(one, name(i)) || m.Release(2, name(i)) {
				t.Fatalf("round %d: %s is not released once", round, name(i))
			}
			if _, held := m.Holder(name(i)); held {
				t.Fatalf("round %d: %s is held", round, name(i))
			}
		}
		if err := m.Valid(); err != nil {
			t.Fatal(err)
		}
		held := m.ExclusiveLocks()
		if shown, _ := snapshot(m); len(shown) != held || held == 0 {
			t.Errorf("%d locks are shown, %d held", len(shown), held)
		}
		if most := held + maxFree; len(m.exclusive) > most {
			t.Errorf("%d locks are in the table, %d held", len(m.exclusive), held)
		}
		if orphans := m.Close(one); orphans.Exclusive != held {
			t.Errorf("%d locks are orphaned, %d held", orphans.Exclusive, held)
		}
		if err := m.Valid(); err != nil {
			t.Fatal(err)
		}
		for m.Uncleared() {
			m.Clear()
		}
		one += 10
		m.Open(one)
	}
	if len(m.exclusive) != maxFree || m.ExclusiveLocks() != 0 {
		t.Errorf("%d locks are left, %d held", len(m.exclusive), m.ExclusiveLocks())
	}
}

// TestLongNamesAreNotKept checks that a free lock takes little memory.
func TestLongNamesAreNotKept(t *testing.T) {
	m := New(Options{})
	m.Open(1)
	long := []byte(strings.Repeat("x", maxFreeName+1))
	m.Get(1, long)
	m.Release(1, long)
	if len(m.exclusive) != 0 {
		t.Error("a lock with a long name stays")
	}
	if m.Get(1, long); m.Close(1).Exclusive != 1 || len(m.exclusive) != 0 {
		t.Error("a lock with a long name stays after its connection")
	}
}

// TestClosedConnection checks that a closed connection acquires nothing.
func TestClosedConnection(t *testing.T) {
	m := New(Options{})
	m.Open(1)
	m.Get(1, []byte("a"))
	m.Close(1)
	if m.Get(1, []byte("a")) != Denied {
		t.Error("a connection that has ended gets a lock")
	}
	if n, outcome := m.GetShared(1, []byte("a")); n != 0 || outcome != Denied {
		t.Error("a connection that has ended gets a shared lock")
	}
}
