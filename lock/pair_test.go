package lock

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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

// operation is a call of both.
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
	if w.naive.options.Limits.NameBytes > 0 { // until they are cleared, names of ends may count
		for w.machine.Uncleared() {
			w.machine.Clear()
		}
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
