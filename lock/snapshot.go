package lock

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Snapshot is what was held at one moment. Taking one costs little more than copying
// a pointer for each holding; the methods that read it do the work, and may be called
// in another goroutine than that of the Machine. It is not safe for concurrent use,
// and may be reused.
type Snapshot struct {
	holders   []Conn
	exclusive []heldExclusive
	shared    []heldShared
}

// heldExclusive and heldShared refer to locks that remain in use: only their names,
// which never change, may be read.
type heldExclusive struct {
	lock   *exclusive
	holder Conn
}

type heldShared struct {
	lock     *shared
	acquired uint64 // Machine.acquisitions at the time
	holder   Conn
}

// Snapshot takes a snapshot of the tables that the caller asks for.
func (m *Machine) Snapshot(s *Snapshot, exclusive, shared bool) {
	s.reset()
	exclusive, shared = exclusive && m.exclusiveSize.Holdings > 0, shared && m.sharedSize.Holdings > 0
	if !exclusive && !shared {
		return
	}
	if exclusive {
		s.exclusive = slices.Grow(s.exclusive, m.exclusiveSize.Holdings)
	}
	if shared {
		s.shared = slices.Grow(s.shared, m.sharedSize.Holdings)
	}
	for _, c := range m.holders.all() {
		if exclusive && len(c.exclusive) > 0 || shared && len(c.shared) > 0 {
			s.holders = append(s.holders, c.id)
		}
		if exclusive {
			for _, l := range c.exclusive {
				s.exclusive = append(s.exclusive, heldExclusive{l, c.id})
			}
		}
		if shared {
			for _, h := range c.shared {
				s.shared = append(s.shared, heldShared{h.lock, h.acquired, c.id})
			}
		}
	}
}

// SnapshotHolders takes a snapshot of only the shared lock with that name.
func (m *Machine) SnapshotHolders(s *Snapshot, name []byte) {
	s.reset()
	l := m.sharedLock(name)
	if l == nil {
		return
	}
	for _, h := range l.holders {
		s.holders = append(s.holders, h.conn.id)
		s.shared = append(s.shared, heldShared{l, h.conn.shared[h.at].acquired, h.conn.id})
	}
}

// reset empties the snapshot and keeps its memory.
func (s *Snapshot) reset() {
	clear(s.exclusive) // the locks may be collected
	clear(s.shared)
	s.holders, s.exclusive, s.shared = s.holders[:0], s.exclusive[:0], s.shared[:0]
}

// Holders returns the connections that hold something in the snapshot, each once,
// in no particular order. The slice belongs to the Snapshot.
func (s *Snapshot) Holders() []Conn { return s.holders }

// Exclusive returns all exclusive locks and their holders, ordered by name,
// bytewise (DUMP-1, DUMP-5, DUMP-11).
func (s *Snapshot) Exclusive() iter.Seq2[string, Conn] {
	return func(yield func(string, Conn) bool) {
		slices.SortFunc(s.exclusive, func(a, b heldExclusive) int { return strings.Compare(a.lock.name, b.lock.name) })
		for _, h := range s.exclusive {
			if !yield(h.lock.name, h.holder) {
				return
			}
		}
	}
}

// Shared returns all shared locks and their holders, one by one, ordered by name,
// bytewise, and within a name by the time of acquisition, earliest first (DUMP-3,
// DUMP-4, DUMP-6, DUMP-11).
func (s *Snapshot) Shared() iter.Seq2[string, Conn] {
	return func(yield func(string, Conn) bool) {
		slices.SortFunc(s.shared, func(a, b heldShared) int {
			if a.lock == b.lock {
				return cmp.Compare(a.acquired, b.acquired)
			}
			return strings.Compare(a.lock.name, b.lock.name)
		})
		for _, h := range s.shared {
			if !yield(h.lock.name, h.holder) {
				return
			}
		}
	}
}

// HoldingConns returns how many connections a snapshot looks at, at most.
func (m *Machine) HoldingConns() int { return len(m.holders.list) }

// Held returns the names that a connection holds in either table, at most the given
// number of the most recent ones.
func (m *Machine) Held(id Conn, most int) (exclusive, shared []string) {
	c := m.conn(id)
	if c == nil {
		return nil, nil
	}
	for _, l := range c.exclusive[max(0, len(c.exclusive)-most):] {
		exclusive = append(exclusive, l.name)
	}
	for _, h := range c.shared[max(0, len(c.shared)-most):] {
		shared = append(shared, h.lock.name)
	}
	return exclusive, shared
}
