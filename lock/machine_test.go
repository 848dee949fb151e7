package lock

import (
	"errors"
	"fmt"
	"maps"
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

// operation is a call of both, and how it is shown.
type operation int

const (
	opGet operation = iota
	opRelease
	opGetShared
	opReleaseShared
	opClose
	opOpen
	opClear
	opGetBounded1
	opGetBounded2
	opGetBounded0
	opWait
	opWaitBounded1
	opWaitBounded2
	opWaitBounded0
	opCancel
	opCancelAll
	opContinue
	operations
)

// step applies one of the operations to both, serves up to most waiters, and returns how
// the two differ.
func (w *pair) step(op operation, c Conn, name string, most int) error {
	if err := w.apply(op, c, name); err != nil {
		return err
	}
	serve, naiveServe := w.machine.Serve, func() (Served, bool) { return w.naive.serve(&w.naive.touched) }
	if op == opContinue {
		serve, naiveServe = w.machine.Continue, func() (Served, bool) { return w.naive.serve(&w.naive.postponed) }
	}
	for range most {
		got, some := serve()
		want, wantSome := naiveServe()
		if got != want || some != wantSome {
			return fmt.Errorf("after operation %d by %d on %q: %+v %v is served, want %+v %v", op, c, name, got, some, want, wantSome)
		}
		if !some {
			break
		}
	}
	w.machine.Postpone()
	w.naive.postpone()
	return w.machine.Valid()
}

// apply applies one of the operations to both.
func (w *pair) apply(op operation, c Conn, name string) error {
	var got, want any
	m, n, key := w.machine, w.naive, []byte(name)
	label := c
	c = w.number(c)
	bound := func(first operation) int { return []int{1, 2, 0}[op-first] }
	if n.isWaiting(c) >= 0 && op != opClose && op != opCancel && op != opOpen {
		return nil // it may do nothing else
	}
	switch op {
	case opGet, opWait:
		gotOutcome, wantOutcome := m.Get(c, key), n.get(c, name)
		got, want = gotOutcome, wantOutcome
		held := find(n.exclusive, name, c) >= 0
		if op == opWait && got == want && wantOutcome == Denied && n.isOpen(c) && !held {
			m.WaitExclusive(c, key)
			n.waiting = append(n.waiting, waiting{Lock{false, name}, c, 0})
		}
	case opRelease:
		got, want = m.Release(c, key), n.release(false, name, c)
	case opGetShared:
		gotCount, gotOutcome := m.GetShared(c, key)
		wantCount, wantOutcome := n.getShared(c, name)
		got, want = fmt.Sprint(gotCount, gotOutcome), fmt.Sprint(wantCount, wantOutcome)
	case opGetBounded1, opGetBounded2, opGetBounded0:
		gotCount, gotOutcome := m.GetBounded(c, key, bound(opGetBounded1))
		wantCount, wantOutcome := n.getBounded(c, name, bound(opGetBounded1))
		got, want = fmt.Sprint(gotCount, gotOutcome), fmt.Sprint(wantCount, wantOutcome)
	case opWaitBounded1, opWaitBounded2, opWaitBounded0:
		gotCount, gotOutcome := m.GetBounded(c, key, bound(opWaitBounded1))
		wantCount, wantOutcome := n.getBounded(c, name, bound(opWaitBounded1))
		got, want = fmt.Sprint(gotCount, gotOutcome), fmt.Sprint(wantCount, wantOutcome)
		if got == want && wantOutcome == Denied && n.isOpen(c) {
			m.WaitShared(c, key, bound(opWaitBounded1))
			n.waiting = append(n.waiting, waiting{Lock{true, name}, c, bound(opWaitBounded1)})
		}
	case opReleaseShared:
		got, want = m.ReleaseShared(c, key), n.release(true, name, c)
	case opCancel:
		_, got = m.Cancel(c)
		want = n.cancel(c)
	case opCancelAll:
		var cancelled []waiting
		m.CancelAll(func(c Conn, l Lock) { cancelled = append(cancelled, waiting{Lock: l, Conn: c}) })
		for i := range n.waiting {
			n.waiting[i].Bound = 0
		}
		got, want = fmt.Sprint(cancelled), fmt.Sprint(n.waiting)
		for len(n.waiting) > 0 {
			n.remove(len(n.waiting) - 1)
		}
	case opClose:
		got, want = m.Close(c), n.close(c)
		w.ends[label]++
	case opOpen:
		w.openConn(label)
		m.Weigh(c, Weight{len(name), m.Conns()}) // Valid compares the sizes
	case opClear:
		m.Clear()
	}
	clear(key) // the machine must have copied what it keeps
	if got != want {
		return fmt.Errorf("operation %d by %d on %q: got %v, want %v", op, c, name, got, want)
	}
	return nil
}

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
		i := slices.IndexFunc(n.exclusive, func(h held) bool { return h.Name == name })
		holder, isHeld := m.Holder([]byte(name))
		if isHeld != (i >= 0) || isHeld && holder != n.exclusive[i].Holder {
			return fmt.Errorf("%q is held by %d, %v", name, holder, isHeld)
		}
		if isHeld {
			exclusive++
		}
		count := n.holders(name)
		if got := m.Holders([]byte(name)); got != count {
			return fmt.Errorf("%q has %d holders, want %d", name, got, count)
		}
		if count > 0 {
			shared++
		}
		of := slices.DeleteFunc(slices.Clone(n.shared), func(h held) bool { return h.Name != name })
		if diff := cmp.Diff(sorted(of), holdersOf(m, name), cmpopts.EquateEmpty()); diff != "" {
			return fmt.Errorf("the holders of %q differ:\n%s", name, diff)
		}
	}
	if m.ExclusiveLocks() != exclusive || m.SharedLocks() != shared && m.Exact() {
		return fmt.Errorf("%d exclusive and %d shared locks, want %d and %d", m.ExclusiveLocks(), m.SharedLocks(), exclusive, shared)
	}
	return w.sameLists()
}

// sameLists compares the lists of all holdings and waiters, and checks that tokens and
// tickets grow in the order of grants and waits (I10, I12).
func (w *pair) sameLists() error {
	var s Snapshot
	w.machine.SnapshotHoldings(&s)
	got := slices.Collect(s.Holdings())
	tokens := map[Token]Token{} // by the order of grants
	for i, h := range got {
		table := w.naive.exclusive
		if h.Lock.Shared {
			table = w.naive.shared
		}
		if at := find(table, h.Lock.Name, h.Holder); at >= 0 {
			tokens[Token(table[at].Grant)] = h.Token
		}
		got[i].Token = 0
		token, held := w.machine.Token(h.Holder, []byte(h.Lock.Name))
		if h.Lock.Shared {
			token, held = w.machine.SharedToken(h.Holder, []byte(h.Lock.Name))
		}
		if !held || token != h.Token || !w.machine.Holds(h.Holder, token) {
			return fmt.Errorf("%+v: its token is %d, %v", h, token, held)
		}
	}
	if diff := cmp.Diff(w.naive.holdings(), got, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("the list of holdings differs:\n%s", diff)
	}
	last := Token(0)
	for _, grant := range slices.Sorted(maps.Keys(tokens)) {
		if tokens[grant] <= last {
			return fmt.Errorf("grant %d has the token %d, an earlier one %d", grant, tokens[grant], last)
		}
		last = tokens[grant]
	}
	w.machine.SnapshotWaiters(&s)
	waiters := slices.Collect(s.Waiters())
	for i := range waiters {
		waiters[i].Ticket = 0
	}
	if diff := cmp.Diff(w.naive.waiters(), waiters, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("the list of waiters differs:\n%s", diff)
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
		weights := rapid.SampledFrom([][]operation{
			{opGet, opRelease, opGetShared, opReleaseShared, opClose, opOpen},
			{opGetShared, opGetShared, opGetShared, opReleaseShared, opOpen, opOpen},
			{opGet, opGet, opRelease, opGetShared, opOpen, opOpen},
			{opGet, opGet, opGet, opGetShared, opGetShared, opGetShared, opClose, opOpen, opOpen, opClear},
			{opGet, opRelease, opRelease, opWait, opWait, opWait, opCancel, opContinue},
			{opWait, opWait, opRelease, opRelease, opClose, opOpen, opClear, opContinue, opCancelAll},
			{opGetShared, opReleaseShared, opGetBounded1, opGetBounded2, opGetBounded0, opWaitBounded0, opWaitBounded1, opWaitBounded2, opContinue, opCancel},
			{opReleaseShared, opReleaseShared, opWaitBounded0, opWaitBounded0, opWaitBounded1, opWaitBounded2, opClose, opOpen, opClear, opContinue, opWait, opRelease},
		}).Draw(t, "operations")
		most := rapid.SampledFrom([]int{0, 1, 2, 100, 100}).Draw(t, "most")
		for c := range conns {
			w.openConn(c)
		}
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			op := rapid.SampledFrom(weights).Draw(t, "operation")
			c := Conn(rapid.Uint64Range(0, uint64(conns)).Draw(t, "connection"))
			name := rapid.SampledFrom(names).Draw(t, "name")
			if rapid.IntRange(0, 3).Draw(t, "time") == 0 {
				w.machine.SetTime(rapid.Int64Range(0, 100).Draw(t, "milliseconds"))
			}
			if err := w.step(op, c, name, most); err != nil {
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

// TestExhaustive tries every sequence of four operations of a few connections, after all
// have opened.
func TestExhaustive(t *testing.T) {
	type call struct {
		op   operation
		conn Conn
		name string
	}
	for _, c := range []struct {
		conns Conn
		names []string
		ops   []operation
	}{
		{2, []string{"a", "b"}, []operation{opGet, opRelease, opGetShared, opReleaseShared, opClose, opOpen}},
		{3, []string{"a"}, []operation{opWait, opRelease, opCancel, opClose, opOpen}},
		{3, []string{"a"}, []operation{opReleaseShared, opGetBounded1, opWaitBounded1, opWaitBounded0}},
	} {
		all := []call{{op: opClear}, {op: opContinue}}
		for _, op := range c.ops {
			for conn := range c.conns {
				for _, name := range c.names {
					if all = append(all, call{op, conn, name}); op == opClose || op == opOpen || op == opCancel {
						break
					}
				}
			}
		}
		const length = 4
		options := []Options{{}, {Reentrant: true}, {MaxHoldings: 1}, {Piece: 1}}
		if c.conns > 2 {
			options = []Options{{Reentrant: true}, {MaxHoldings: 1, Piece: 1}}
		}
		for _, o := range options {
			sequences := 1
			for range length {
				sequences *= len(all)
			}
			for sequence := range sequences {
				w := newPair(o)
				for conn := range c.conns {
					w.openConn(conn)
				}
				rest := sequence
				for range length {
					next := all[rest%len(all)]
					rest /= len(all)
					if err := w.step(next.op, next.conn, next.name, 1); err != nil {
						t.Fatalf("%v, sequence %d with %+v: %v", c.ops, sequence, o, err)
					}
				}
				if sequence%31 == 0 { // comparing everything is slow; steps are compared always
					if err := w.same(c.names); err != nil {
						t.Fatalf("%v, sequence %d with %+v: %v", c.ops, sequence, o, err)
					}
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
