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
	queues    []queueLength
	waiters   []Waiter
}

// heldExclusive and heldShared refer to locks that remain in use: only their names,
// which never change, may be read.
type heldExclusive struct {
	lock   *exclusive
	token  Token
	holder Conn
}

type heldShared struct {
	lock   *shared
	token  Token
	holder Conn
	bound  int32
}

// queueLength is how many connections wait for a lock.
type queueLength struct {
	exclusive *exclusive // one of these two is set
	shared    *shared
	waiters   int
}

// Holding is a lock and one of its holders.
type Holding struct {
	Lock    Lock
	Holder  Conn
	Token   Token
	Bound   int // of a shared lock: 0, or Unbounded, or the bound of GetBounded
	Waiters int // connections that wait for the lock
}

// Waiter is a connection that waits.
type Waiter struct {
	Lock   Lock
	Conn   Conn
	Ticket Token // tells when it began to wait, as a Token tells when a lock was granted
	Place  int   // in the queue, from 1
	Bound  int   // of a shared lock, as in Holding
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
				s.exclusive = append(s.exclusive, heldExclusive{l.lock, l.token, c.id})
			}
		}
		if shared {
			for _, h := range c.shared {
				s.shared = append(s.shared, heldShared{h.lock, h.token, c.id, h.bound})
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
	for at, h := range l.holders {
		s.holders = append(s.holders, h.conn.id)
		s.shared = append(s.shared, heldShared{l, l.holding(at).token, h.conn.id, l.holding(at).bound})
	}
}

// SnapshotHoldings takes a snapshot of both tables and of the lengths of all queues, for
// Holdings.
func (m *Machine) SnapshotHoldings(s *Snapshot) {
	m.Snapshot(s, true, true)
	for _, q := range m.queues {
		s.queues = append(s.queues, queueLength{q.exclusive, q.shared, q.waiters})
	}
}

// SnapshotWaiters takes a snapshot of all queues.
func (m *Machine) SnapshotWaiters(s *Snapshot) {
	s.reset()
	for _, q := range m.queues {
		place := 0
		for w := q.first; w != nil; w = w.after {
			place++
			s.holders = append(s.holders, w.conn.id)
			s.waiters = append(s.waiters, Waiter{q.lock(), w.conn.id, w.ticket, place, int(w.bound)})
		}
	}
}

// reset empties the snapshot and keeps its memory.
func (s *Snapshot) reset() {
	clear(s.exclusive) // the locks may be collected
	clear(s.shared)
	clear(s.queues)
	clear(s.waiters)
	s.holders, s.exclusive, s.shared = s.holders[:0], s.exclusive[:0], s.shared[:0]
	s.queues, s.waiters = s.queues[:0], s.waiters[:0]
}

// Keep removes all from the snapshot but names that begin with a prefix.
func (s *Snapshot) Keep(prefix string) {
	other := func(name string) bool { return !strings.HasPrefix(name, prefix) }
	s.exclusive = slices.DeleteFunc(s.exclusive, func(h heldExclusive) bool { return other(h.lock.name) })
	s.shared = slices.DeleteFunc(s.shared, func(h heldShared) bool { return other(h.lock.name) })
	s.waiters = slices.DeleteFunc(s.waiters, func(w Waiter) bool { return other(w.Lock.Name) })
}

// Holders returns the connections that hold something in the snapshot, or wait, each once,
// in no particular order. The slice belongs to the Snapshot.
func (s *Snapshot) Holders() []Conn { return s.holders }

// Exclusive returns all exclusive locks and their holders, ordered by name,
// bytewise (DUMP-1, DUMP-5, DUMP-11).
func (s *Snapshot) Exclusive() iter.Seq2[string, Conn] {
	return func(yield func(string, Conn) bool) {
		s.sortExclusive()
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
		s.sortShared()
		for _, h := range s.shared {
			if !yield(h.lock.name, h.holder) {
				return
			}
		}
	}
}

func (s *Snapshot) sortExclusive() {
	slices.SortFunc(s.exclusive, func(a, b heldExclusive) int { return strings.Compare(a.lock.name, b.lock.name) })
}

func (s *Snapshot) sortShared() {
	slices.SortFunc(s.shared, func(a, b heldShared) int {
		if a.lock == b.lock {
			return cmp.Compare(a.token, b.token)
		}
		return strings.Compare(a.lock.name, b.lock.name)
	})
}

// Holdings returns all holdings of a snapshot that SnapshotHoldings has taken: those of
// exclusive locks, then those of shared ones, each in the order of Exclusive and Shared
// (LIST-2).
func (s *Snapshot) Holdings() iter.Seq[Holding] {
	return func(yield func(Holding) bool) {
		exclusive, shared := make(map[*exclusive]int), make(map[*shared]int)
		for _, q := range s.queues {
			if q.shared != nil {
				shared[q.shared] = q.waiters
			} else {
				exclusive[q.exclusive] = q.waiters
			}
		}
		s.sortExclusive()
		for _, h := range s.exclusive {
			if !yield(Holding{Lock{false, h.lock.name}, h.holder, h.token, 0, exclusive[h.lock]}) {
				return
			}
		}
		s.sortShared()
		for _, h := range s.shared {
			if !yield(Holding{Lock{true, h.lock.name}, h.holder, h.token, int(h.bound), shared[h.lock]}) {
				return
			}
		}
	}
}

// Waiters returns all waiters of a snapshot that SnapshotWaiters has taken: those for
// exclusive locks, then those for shared ones, ordered by name, bytewise, and in the
// order of each queue (LIST-4).
func (s *Snapshot) Waiters() iter.Seq[Waiter] {
	return func(yield func(Waiter) bool) {
		slices.SortFunc(s.waiters, func(a, b Waiter) int {
			return cmp.Or(number(a.Lock.Shared)-number(b.Lock.Shared), strings.Compare(a.Lock.Name, b.Lock.Name), a.Place-b.Place)
		})
		for _, w := range s.waiters {
			if !yield(w) {
				return
			}
		}
	}
}

// Conns returns the name and the connection of every holding and waiter in the snapshot,
// in no particular order.
func (s *Snapshot) Conns() iter.Seq2[string, Conn] {
	return func(yield func(string, Conn) bool) {
		for _, h := range s.exclusive {
			if !yield(h.lock.name, h.holder) {
				return
			}
		}
		for _, h := range s.shared {
			if !yield(h.lock.name, h.holder) {
				return
			}
		}
		for _, w := range s.waiters {
			if !yield(w.Lock.Name, w.Conn) {
				return
			}
		}
	}
}

// Count returns how many holdings and waiters there are in the snapshot.
func (s *Snapshot) Count() int { return len(s.exclusive) + len(s.shared) + len(s.waiters) }

// HoldingConns returns how many connections a snapshot looks at, at most.
func (m *Machine) HoldingConns() int { return len(m.holders.list) }

// Holdings returns how many locks of both tables a connection holds.
func (m *Machine) Holdings(id Conn) int {
	c := m.conn(id)
	if c == nil {
		return 0
	}
	return len(c.exclusive) + len(c.shared)
}

// Held returns the names that a connection holds in either table, at most the given
// number of the most recent ones.
func (m *Machine) Held(id Conn, most int) (exclusive, shared []string) {
	c := m.conn(id)
	if c == nil {
		return nil, nil
	}
	for _, l := range c.exclusive[max(0, len(c.exclusive)-most):] {
		exclusive = append(exclusive, l.lock.name)
	}
	for _, h := range c.shared[max(0, len(c.shared)-most):] {
		shared = append(shared, h.lock.name)
	}
	return exclusive, shared
}
