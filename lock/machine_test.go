package lock

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// pair is a Machine and a naive one, which must agree.
type pair struct {
	machine *Machine
	naive   *naive
	ends    map[Conn]Conn // how often a connection has ended
}

func newPair(o Options) *pair { return &pair{New(o), &naive{options: o}, map[Conn]Conn{}} }

// number returns the current number of a connection, which changes each time it ends.
func (w *pair) number(c Conn) Conn { return c + 1000*w.ends[c] }

func (w *pair) openConn(c Conn) {
	c = w.number(c)
	w.machine.Open(c)
	if !w.naive.isOpen(c) {
		w.naive.open = append(w.naive.open, c)
	}
}

// step applies one of the operations to both and returns how they differ.
func (w *pair) step(op int, c Conn, name string) error {
	var got, want any
	m, n, key := w.machine, w.naive, []byte(name)
	label := c
	c = w.number(c)
	switch op {
	case 0:
		got, want = m.Get(c, key), n.get(c, name)
	case 1:
		got, want = m.Release(c, key), release(&n.exclusive, Holding{name, c})
	case 2:
		gotCount, gotOutcome := m.GetShared(c, key)
		wantCount, wantOutcome := n.getShared(c, name)
		got, want = fmt.Sprint(gotCount, gotOutcome), fmt.Sprint(wantCount, wantOutcome)
	case 3:
		got, want = m.ReleaseShared(c, key), release(&n.shared, Holding{name, c})
	case 4:
		got, want = m.Close(c), n.close(c)
		w.ends[label]++
	case 5:
		w.openConn(label)
		m.Weigh(c, Weight{len(name), m.Conns()}) // Valid compares the sizes
	}
	if op == 6 {
		m.Clear()
	}
	clear(key) // the machine must have copied what it keeps
	if got != want {
		return fmt.Errorf("operation %d by %d on %q: got %v, want %v", op, c, name, got, want)
	}
	return m.Valid()
}

const operations = 7

// same compares all visible state of both.
func (w *pair) same(names []string) error {
	m, n := w.machine, w.naive
	exclusiveTable, sharedTable := snapshot(m)
	if diff := cmp.Diff(sorted(n.exclusive), exclusiveTable, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("the exclusive table differs:\n%s", diff)
	}
	if diff := cmp.Diff(sorted(n.shared), sharedTable, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("the shared table differs:\n%s", diff)
	}
	if m.Conns() != len(n.open) {
		return fmt.Errorf("%d connections, want %d", m.Conns(), len(n.open))
	}
	exclusive, shared := 0, 0
	for _, name := range names {
		i := slices.IndexFunc(n.exclusive, func(h Holding) bool { return h.Name == name })
		holder, held := m.Holder([]byte(name))
		if held != (i >= 0) || held && holder != n.exclusive[i].Holder {
			return fmt.Errorf("%q is held by %d, %v", name, holder, held)
		}
		if held {
			exclusive++
		}
		count := n.holders(name)
		if got := m.Holders([]byte(name)); got != count {
			return fmt.Errorf("%q has %d holders, want %d", name, got, count)
		}
		if count > 0 {
			shared++
		}
		of := slices.DeleteFunc(slices.Clone(n.shared), func(h Holding) bool { return h.Name != name })
		if diff := cmp.Diff(of, holdersOf(m, name), cmpopts.EquateEmpty()); diff != "" {
			return fmt.Errorf("the holders of %q differ:\n%s", name, diff)
		}
	}
	if m.ExclusiveLocks() != exclusive || m.SharedLocks() != shared && m.Exact() {
		return fmt.Errorf("%d exclusive and %d shared locks, want %d and %d", m.ExclusiveLocks(), m.SharedLocks(), exclusive, shared)
	}
	return nil
}

// TestMachine compares the Machine with the naive one over random operations of
// up to 14 connections, so that shared locks gain and lose an index.
func TestMachine(t *testing.T) {
	names := []string{"", "a", "b", "\x00", "\xff"}
	rapid.Check(t, func(t *rapid.T) {
		w := newPair(Options{
			Reentrant:   rapid.Bool().Draw(t, "reentrant"),
			MaxHoldings: rapid.SampledFrom([]int{0, 0, 3, 20}).Draw(t, "limit"),
			Piece:       rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "piece"),
		})
		conns := Conn(rapid.SampledFrom([]int{2, 4, 14}).Draw(t, "connections"))
		weights := rapid.SampledFrom([][]int{{0, 1, 2, 3, 4, 5}, {2, 2, 2, 3, 5, 5}, {0, 0, 1, 2, 5, 5}, {0, 0, 0, 2, 2, 2, 4, 5, 5, 6}}).Draw(t, "operations")
		for c := range conns {
			w.openConn(c)
		}
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			op := rapid.SampledFrom(weights).Draw(t, "operation")
			c := Conn(rapid.Uint64Range(0, uint64(conns)).Draw(t, "connection"))
			name := rapid.SampledFrom(names).Draw(t, "name")
			if err := w.step(op, c, name); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.same(names); err != nil {
			t.Fatal(err)
		}
		for w.machine.Uncleared() {
			w.machine.Clear()
		}
		if err := errors.Join(w.same(names), w.machine.Valid()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestExhaustive tries every sequence of four operations of two connections on
// two names, after both have opened.
func TestExhaustive(t *testing.T) {
	type operation struct {
		op   int
		conn Conn
		name string
	}
	var all []operation
	all = append(all, operation{op: 6})
	for op := range operations - 1 {
		for c := range Conn(2) {
			all = append(all, operation{op, c, "a"})
			if op < 4 {
				all = append(all, operation{op, c, "b"})
			}
		}
	}
	const length = 4
	for _, o := range []Options{{}, {Reentrant: true}, {MaxHoldings: 1}, {Piece: 1}} {
		sequences := 1
		for range length {
			sequences *= len(all)
		}
		for sequence := range sequences {
			w := newPair(o)
			w.openConn(0)
			w.openConn(1)
			rest := sequence
			for range length {
				next := all[rest%len(all)]
				rest /= len(all)
				if err := w.step(next.op, next.conn, next.name); err != nil {
					t.Fatalf("sequence %d with %+v: %v", sequence, o, err)
				}
			}
			if sequence%31 == 0 { // comparing everything is slow; steps are compared always
				if err := w.same([]string{"a", "b"}); err != nil {
					t.Fatalf("sequence %d with %+v: %v", sequence, o, err)
				}
			}
		}
	}
}

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
