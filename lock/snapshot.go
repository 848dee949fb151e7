package lock

import (
	"cmp"
	"slices"
	"strings"
)

// Holding is one line of a snapshot: an exclusive lock and its holder, or a
// shared lock and one of its holders.
type Holding struct {
	Name   string
	Holder Conn
}

// SnapshotExclusive returns all exclusive locks, ordered by name, bytewise
// (DUMP-1, DUMP-5). The slice is the caller's.
func (m *Machine) SnapshotExclusive() []Holding {
	all := make([]Holding, 0, m.locked)
	for name, l := range m.exclusive {
		if l.owner != nil {
			all = append(all, Holding{name, l.owner.id})
		}
	}
	slices.SortFunc(all, func(a, b Holding) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// SnapshotShared returns all holders of all shared locks, ordered by name,
// bytewise, and within a name by the time they got it, earliest first (DUMP-3,
// DUMP-6). The slice is the caller's.
func (m *Machine) SnapshotShared() []Holding {
	locks := make([]*shared, 0, len(m.shared))
	holders := 0
	for _, l := range m.shared {
		locks = append(locks, l)
		holders += len(l.holders)
	}
	slices.SortFunc(locks, func(a, b *shared) int { return strings.Compare(a.name, b.name) })
	all := make([]Holding, 0, holders)
	for _, l := range locks {
		all = l.appendHolders(all)
	}
	return all
}

// SnapshotHolders returns the holders of the shared lock of that name, earliest
// first (DUMP-4). The slice is the caller's; it is empty if there are none.
func (m *Machine) SnapshotHolders(name []byte) []Holding {
	l := m.shared[string(name)]
	if l == nil {
		return nil
	}
	return l.appendHolders(nil)
}

// appendHolders appends the holders in the order in which they got the lock.
func (l *shared) appendHolders(all []Holding) []Holding {
	inOrder := slices.Clone(l.holders)
	slices.SortFunc(inOrder, func(a, b sharedHolder) int { return cmp.Compare(a.acquired, b.acquired) })
	for _, h := range inOrder {
		all = append(all, Holding{l.name, h.conn.id})
	}
	return all
}
