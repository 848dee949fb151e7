package lock

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestCloseIsReleasingAll checks that Close equals releasing one by one (END-1,
// END-2).
func TestCloseIsReleasingAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := New(Options{}), New(Options{})
		names := rapid.SliceOfDistinct(rapid.StringN(0, 3, 3), rapid.ID[string]).Draw(t, "names")
		for _, m := range []*Machine{a, b} {
			for c := range Conn(12) {
				m.Open(c)
				for i, name := range names {
					m.GetShared(c, []byte(name))
					if i%3 == int(c) {
						m.Get(c, []byte(name))
					}
				}
			}
		}
		orphans := a.Close(1)
		var released Orphans
		for _, name := range names {
			if b.Release(1, []byte(name)) {
				released.Exclusive++
			}
			if b.ReleaseShared(1, []byte(name)) {
				released.Shared++
			}
		}
		if orphans != released {
			t.Fatalf("closing released %+v, releasing %+v", orphans, released)
		}
		exclusiveA, sharedA := snapshot(a)
		exclusiveB, sharedB := snapshot(b)
		if diff := cmp.Diff(exclusiveA, exclusiveB) + cmp.Diff(sharedA, sharedB); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestLargeEnd checks that a connection with very many holdings ends in one visible
// step, whatever is cleared and used afterwards.
func TestLargeEnd(t *testing.T) {
	const locks = 1000
	name := func(i int) []byte { return fmt.Appendf(nil, "n%d", i) }
	m := New(Options{Piece: 10})
	for c := range Conn(4) {
		m.Open(c)
	}
	for i := range locks {
		m.Get(1, name(i))
		m.GetShared(1, name(i))
		if i%2 == 0 {
			m.GetShared(2, name(i))
		}
		if i%5 == 0 {
			m.GetShared(3, name(i))
		}
	}
	check := func(exclusive, shared, holdings int) {
		t.Helper()
		if err := m.Valid(); err != nil {
			t.Fatal(err)
		}
		if m.ExclusiveLocks() != exclusive || m.SharedLocks() != shared && m.Exact() || m.SharedSize().Holdings != holdings {
			t.Fatalf("%d exclusive and %d shared locks of %d holders, want %d, %d and %d", m.ExclusiveLocks(), m.SharedLocks(), m.SharedSize().Holdings, exclusive, shared, holdings)
		}
		a, b := snapshot(m)
		if len(a) != exclusive || len(b) != holdings {
			t.Fatalf("%d and %d are shown, want %d and %d", len(a), len(b), exclusive, holdings)
		}
	}
	check(locks, locks, locks+locks/2+locks/5)
	if orphans := m.Close(1); orphans != (Orphans{locks, locks}) {
		t.Fatalf("%+v", orphans)
	}
	check(0, 600, 700)
	if orphans := m.Close(2); orphans != (Orphans{0, 500}) || m.Exact() {
		t.Fatalf("%+v, exact: %v", orphans, m.Exact())
	}
	check(0, 200, 200)
	for i := range 100 {
		if n, outcome := m.GetShared(0, name(i)); outcome != Granted || n != 1 && (n != 2 || i%5 > 0) {
			t.Fatalf("%d holders of %s: %v", n, name(i), outcome)
		}
		if m.Get(0, name(i)) != Granted || m.Holders(name(i+200)) > 1 {
			t.Fatalf("%s is not free", name(i))
		}
	}
	check(100, 280, 300)
	steps := 0
	for ; m.Uncleared(); steps++ {
		m.Clear()
		if steps%20 == 0 {
			check(100, 280, 300)
		}
	}
	check(100, 280, 300)
	if steps < 100 || m.Uncleared() || len(m.shared) != 280 {
		t.Errorf("%d steps, %d shared locks in the table", steps, len(m.shared))
	}
}

// TestManyEnds checks that uncleared large ends do not pile up: every command on a
// shared lock looks at all of them.
func TestManyEnds(t *testing.T) {
	m := New(Options{Piece: 10})
	const conns, each = 200, 11
	for c := range conns {
		m.Open(Conn(c))
		for i := range each {
			m.GetShared(Conn(c), fmt.Appendf(nil, "%d", i))
		}
	}
	for c := range conns {
		m.Close(Conn(c))
		if n := len(m.ended); n > mostEnded+1 {
			t.Fatalf("%d ends wait to be cleared", n)
		}
	}
	if err := m.Valid(); err != nil {
		t.Error(err)
	}
}
