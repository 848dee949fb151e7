package lock

import (
	"iter"
	"slices"
	"strings"
)

// naive is the simplest implementation: two lists of holdings, in the order of
// acquisition. It shares no code or data structure with Machine.
type naive struct {
	options           Options
	open              []Conn
	exclusive, shared []Holding
}

func (n *naive) isOpen(c Conn) bool { return slices.Contains(n.open, c) }

func (n *naive) full() bool {
	return n.options.MaxHoldings > 0 && len(n.exclusive)+len(n.shared) >= n.options.MaxHoldings
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
	if n.full() {
		return Limited
	}
	n.exclusive = append(n.exclusive, Holding{name, c})
	return Granted
}

func (n *naive) getShared(c Conn, name string) (int, Outcome) {
	if !n.isOpen(c) {
		return 0, Denied
	}
	if !slices.Contains(n.shared, Holding{name, c}) {
		if n.full() {
			return 0, Limited
		}
		n.shared = append(n.shared, Holding{name, c})
	}
	return n.holders(name), Granted
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

func release(table *[]Holding, h Holding) bool {
	i := slices.Index(*table, h)
	if i >= 0 {
		*table = slices.Delete(*table, i, i+1)
	}
	return i >= 0
}

func (n *naive) close(c Conn) Orphans {
	before := Orphans{len(n.exclusive), len(n.shared)}
	isHeld := func(h Holding) bool { return h.Holder == c }
	n.exclusive = slices.DeleteFunc(n.exclusive, isHeld)
	n.shared = slices.DeleteFunc(n.shared, isHeld)
	n.open = slices.DeleteFunc(n.open, func(o Conn) bool { return o == c })
	return Orphans{before.Exclusive - len(n.exclusive), before.Shared - len(n.shared)}
}

// sorted orders a table by name; equal names stay in the order of acquisition.
func sorted(table []Holding) []Holding {
	all := slices.Clone(table)
	slices.SortStableFunc(all, func(a, b Holding) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Holding is one line of a snapshot: an exclusive lock and its holder, or a shared
// lock and one of its holders.
type Holding struct {
	Name   string
	Holder Conn
}

// snapshot returns both tables.
func snapshot(m *Machine) (exclusive, shared []Holding) {
	var s Snapshot
	for range 2 { // a snapshot may be used again
		m.Snapshot(&s, true, true)
	}
	return list(s.Exclusive()), list(s.Shared())
}

// holdersOf returns the holders of one shared lock.
func holdersOf(m *Machine, name string) []Holding {
	var s Snapshot
	m.SnapshotHolders(&s, []byte(name))
	return list(s.Shared())
}

func list(table iter.Seq2[string, Conn]) (all []Holding) {
	for name, holder := range table {
		all = append(all, Holding{name, holder})
	}
	return all
}
