package lock

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// naive is the simplest implementation: lists of holdings, in the order of acquisition,
// and one list of all that wait. It shares no code or data structure with Machine.
type naive struct {
	options            Options
	open               []Conn
	exclusive, shared  []held
	waiting            []waiting
	grants             int    // so far
	touched, postponed []Lock // to be served
}

// held is an exclusive lock and its holder, or a shared lock and one of its holders.
type held struct {
	Name   string
	Holder Conn
	Bound  int
	Grant  int // when
}

// waiting is a connection that waits.
type waiting struct {
	Lock  Lock
	Conn  Conn
	Bound int
}

func (n *naive) isOpen(c Conn) bool { return slices.Contains(n.open, c) }

// full says whether one more holding would exceed a limit.
func (n *naive) full(c Conn, l Lock) bool {
	names, own := map[Lock]bool{l: true}, 0
	for _, h := range n.exclusive {
		names[Lock{false, h.Name}] = true
		own += number(h.Holder == c)
	}
	for _, h := range n.shared {
		names[Lock{true, h.Name}] = true
		own += number(h.Holder == c)
	}
	bytes := 0
	for l := range names {
		bytes += len(l.Name)
	}
	held := slices.ContainsFunc(n.shared, func(h held) bool { return l.Shared && h.Name == l.Name })
	limits := n.options.Limits
	return limits.Holdings > 0 && len(n.exclusive)+len(n.shared) >= limits.Holdings ||
		limits.OfConn > 0 && own >= limits.OfConn || limits.NameBytes > 0 && !held && l.Name != "" && bytes > limits.NameBytes
}

// first returns the first that waits for a lock, nil if nobody does.
func (n *naive) first(l Lock) *waiting {
	for i := range n.waiting {
		if n.waiting[i].Lock == l {
			return &n.waiting[i]
		}
	}
	return nil
}

func (n *naive) get(c Conn, name string) Outcome {
	if !n.isOpen(c) {
		return Denied
	}
	for _, h := range n.exclusive {
		if h.Name == name {
			if h.Holder == c && n.options.Reentrant {
				return Granted
			}
			return Denied
		}
	}
	if n.first(Lock{false, name}) != nil {
		return Denied
	}
	if n.full(c, Lock{false, name}) {
		return Limited
	}
	n.grant(Lock{false, name}, c, 0)
	return Granted
}

func (n *naive) grant(l Lock, c Conn, bound int) {
	n.grants++
	if l.Shared {
		n.shared = append(n.shared, held{l.Name, c, bound, n.grants})
	} else {
		n.exclusive = append(n.exclusive, held{l.Name, c, bound, n.grants})
	}
}

func (n *naive) getShared(c Conn, name string) (int, Outcome) {
	if !n.isOpen(c) {
		return 0, Denied
	}
	if find(n.shared, name, c) < 0 {
		if n.full(c, Lock{true, name}) {
			return 0, Limited
		}
		n.grant(Lock{true, name}, c, Unbounded)
	}
	return n.holders(name), Granted
}

func (n *naive) getBounded(c Conn, name string, bound int) (int, Outcome) {
	if !n.isOpen(c) {
		return 0, Denied
	}
	if at := find(n.shared, name, c); at >= 0 {
		if n.shared[at].Bound != bound {
			return 0, Held
		}
		return n.holders(name), Granted
	}
	if n.first(Lock{true, name}) != nil || !n.admits(name, bound) {
		return 0, Denied
	}
	if n.full(c, Lock{true, name}) {
		return 0, Limited
	}
	n.grant(Lock{true, name}, c, bound)
	return n.holders(name), Granted
}

// admits says whether one more holder exceeds no bound.
func (n *naive) admits(name string, bound int) bool {
	count := n.holders(name) + 1
	for _, h := range n.shared {
		if h.Name == name && h.Bound > 0 && count > h.Bound {
			return false
		}
	}
	return bound == 0 || count <= bound
}

func (n *naive) holders(name string) int {
	count := 0
	for _, h := range n.shared {
		if h.Name == name {
			count++
		}
	}
	return count
}

func find(table []held, name string, c Conn) int {
	return slices.IndexFunc(table, func(h held) bool { return h.Name == name && h.Holder == c })
}

func (n *naive) release(shared bool, name string, c Conn) bool {
	table := &n.exclusive
	if shared {
		table = &n.shared
	}
	i := find(*table, name, c)
	if i >= 0 {
		*table = slices.Delete(*table, i, i+1)
		n.touch(Lock{shared, name})
	}
	return i >= 0
}

func (n *naive) close(c Conn) Orphans {
	n.cancel(c)
	var locks []held
	shared := map[int]bool{}
	for _, h := range n.exclusive {
		if h.Holder == c {
			locks = append(locks, h)
		}
	}
	for _, h := range n.shared {
		if h.Holder == c {
			locks = append(locks, h)
			shared[h.Grant] = true
		}
	}
	slices.SortFunc(locks, func(a, b held) int { return cmp.Compare(a.Grant, b.Grant) })
	for _, h := range locks {
		n.release(shared[h.Grant], h.Name, c)
	}
	n.open = slices.DeleteFunc(n.open, func(o Conn) bool { return o == c })
	return Orphans{len(locks) - len(shared), len(shared)}
}

func (n *naive) isWaiting(c Conn) int {
	return slices.IndexFunc(n.waiting, func(w waiting) bool { return w.Conn == c })
}

func (n *naive) cancel(c Conn) bool {
	i := n.isWaiting(c)
	if i < 0 {
		return false
	}
	n.remove(i)
	return true
}

// remove removes one that waits. Those behind it may have to be served.
func (n *naive) remove(i int) {
	l := n.waiting[i].Lock
	n.waiting = slices.Delete(n.waiting, i, i+1)
	if n.touch(l); n.first(l) == nil {
		other := func(o Lock) bool { return o == l }
		n.touched, n.postponed = slices.DeleteFunc(n.touched, other), slices.DeleteFunc(n.postponed, other)
	}
}

// touch notes that a lock may have to be served, after those noted before.
func (n *naive) touch(l Lock) {
	if n.first(l) != nil && !slices.Contains(n.touched, l) && !slices.Contains(n.postponed, l) {
		n.touched = append(n.touched, l)
	}
}

// serve serves the first that can be served among some locks.
func (n *naive) serve(locks *[]Lock) (s Served, served bool) {
	for len(*locks) > 0 {
		l := (*locks)[0]
		if !n.could(l) {
			*locks = (*locks)[1:]
			continue
		}
		if served {
			break
		}
		w := n.first(l)
		s, served = Served{Lock: l, Conn: w.Conn, Outcome: Limited}, true
		if !n.full(w.Conn, l) {
			s.Outcome = Granted
			n.grant(l, w.Conn, w.Bound)
			if l.Shared {
				s.Holders = n.holders(l.Name)
			}
		}
		n.remove(n.isWaiting(s.Conn))
	}
	return s, served
}

// postpone leaves what could be served to later.
func (n *naive) postpone() {
	for _, l := range n.touched {
		if n.could(l) {
			n.postponed = append(n.postponed, l)
		}
	}
	n.touched = nil
}

// could says whether the first that waits for a lock could be granted it.
func (n *naive) could(l Lock) bool {
	w := n.first(l)
	switch {
	case w == nil:
		return false
	case l.Shared:
		return n.admits(l.Name, w.Bound)
	}
	return !slices.ContainsFunc(n.exclusive, func(h held) bool { return h.Name == l.Name })
}

// sorted orders a table by name; equal names stay in the order of acquisition.
func sorted(table []held) []line {
	var all []line
	for _, h := range table {
		all = append(all, line{h.Name, h.Holder})
	}
	slices.SortStableFunc(all, func(a, b line) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// line is one line of a snapshot: an exclusive lock and its holder, or a shared
// lock and one of its holders.
type line struct {
	Name   string
	Holder Conn
}

// snapshot returns both tables.
func snapshot(m *Machine) (exclusive, shared []line) {
	var s Snapshot
	for range 2 { // a snapshot may be used again
		m.Snapshot(&s, true, true)
	}
	return list(s.Exclusive()), list(s.Shared())
}

// holdersOf returns the holders of one shared lock.
func holdersOf(m *Machine, name string) []line {
	var s Snapshot
	m.SnapshotHolders(&s, []byte(name))
	return list(s.Shared())
}

func list(table iter.Seq2[string, Conn]) (all []line) {
	for name, holder := range table {
		all = append(all, line{name, holder})
	}
	return all
}

// holdings returns what a list of all holdings shows, but for the tokens.
func (n *naive) holdings() (all []Holding) {
	for _, shared := range []bool{false, true} {
		table := slices.Clone(n.exclusive)
		if shared {
			table = slices.Clone(n.shared)
		}
		slices.SortStableFunc(table, func(a, b held) int { return strings.Compare(a.Name, b.Name) })
		for _, h := range table {
			l := Lock{shared, h.Name}
			waiters := 0
			for _, w := range n.waiting {
				if w.Lock == l {
					waiters++
				}
			}
			all = append(all, Holding{Lock: l, Holder: h.Holder, Bound: h.Bound, Waiters: waiters})
		}
	}
	return all
}

// waiters returns what a list of all waiters shows, but for the tickets.
func (n *naive) waiters() (all []Waiter) {
	places := map[Lock]int{}
	for _, w := range n.waiting {
		places[w.Lock]++
		all = append(all, Waiter{Lock: w.Lock, Conn: w.Conn, Place: places[w.Lock], Bound: w.Bound})
	}
	slices.SortStableFunc(all, func(a, b Waiter) int {
		return cmp.Or(number(a.Lock.Shared)-number(b.Lock.Shared), strings.Compare(a.Lock.Name, b.Lock.Name))
	})
	return all
}
