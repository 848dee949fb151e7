package lock

import (
	"fmt"
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
		if most := held + maxFree - 1; m.exclusive.len > most {
			t.Errorf("%d locks are in the table, %d held", m.exclusive.len, held)
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
	if m.exclusive.len != maxFree-1 || m.ExclusiveLocks() != 0 {
		t.Errorf("%d locks are left, %d held", m.exclusive.len, m.ExclusiveLocks())
	}
}

// TestFreeLongNames checks that free locks with long names take a bounded memory, and that
// the oldest leave the table first.
func TestFreeLongNames(t *testing.T) {
	m := New(Options{})
	m.Open(1)
	const length, fit = 250_000, maxFreeBytes / 250_000
	name := func(i int) []byte { return fmt.Appendf(nil, "%0*d", length, i) }
	for i := range 3 * fit {
		m.Get(1, name(i))
		m.Release(1, name(i))
		if err := m.Valid(); err != nil {
			t.Fatal(err)
		}
		for k := range i + 1 {
			if kept := m.exclusive.named(name(k)) != nil; kept != (k > i-fit) {
				t.Errorf("lock %d is kept: %v, after %d was released", k, kept, i)
			}
		}
	}
	for i := range fit + 1 {
		m.Get(1, name(i))
	}
	m.Close(1)
	if m.exclusive.len != fit {
		t.Errorf("%d locks are kept after the end of their connection, want %d", m.exclusive.len, fit)
	}
	huge := make([]byte, maxFreeBytes+1)
	m.Open(2)
	m.Get(2, huge)
	m.Release(2, huge)
	if err := m.Valid(); err != nil || m.exclusive.len != 0 {
		t.Errorf("%d locks are kept beside one that is too long, %v", m.exclusive.len, err)
	}
}
