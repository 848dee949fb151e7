package lock

import "slices"

// A connection with very many holdings ends in one step (END-7) of constant time: it
// is marked as ended, and its holdings no longer count. The locks that still refer to
// it are cleared afterwards, by Clear or by the next command on them.

// end ends a connection whose lists are cleared later.
func (m *Machine) end(c *conn) {
	c.ended = true
	e, s := &m.exclusiveSize, &m.sharedSize
	e.Names -= len(c.exclusive)
	e.Holdings -= len(c.exclusive)
	e.weigh(c.weight, -len(c.exclusive))
	s.Names -= int(c.alone)
	s.Holdings -= len(c.shared)
	s.weigh(c.weight, -len(c.shared))
	m.ended = append(m.ended, c)
	if len(m.ended) > mostEnded {
		m.clear(mostEndedPieces * m.options.Piece)
	}
}

// A command on a shared lock looks at all uncleared ends. Beyond mostEnded of them each
// large end clears mostEndedPieces pieces, which is more than most of them hold.
const (
	mostEnded       = 32
	mostEndedPieces = 4
)

// Clear clears up to Options.Piece holdings of connections that have ended. It has no
// visible effect.
func (m *Machine) Clear() { m.clear(m.options.Piece) }

// clear clears up to n holdings.
func (m *Machine) clear(n int) {
	for ; n > 0 && len(m.ended) > 0; n-- {
		c := m.ended[0]
		switch {
		case len(c.exclusive) > 0:
			l := c.exclusive[len(c.exclusive)-1].lock
			m.clearExclusive(l)
			m.abandon(l)
		case len(c.shared) > 0:
			h := c.shared[len(c.shared)-1]
			m.clearShared(h.lock, int(h.at))
		default:
			m.slots.remove(c)
			m.ended = slices.Delete(m.ended, 0, 1)
		}
	}
}

// keepUp clears faster than connections acquire, so that uncleared holdings do not
// accumulate.
func (m *Machine) keepUp() {
	if len(m.ended) > 0 {
		m.clear(3)
	}
}

// Uncleared says whether Clear has something to do.
func (m *Machine) Uncleared() bool { return len(m.ended) > 0 }

// Exact says whether the number of names in SharedSize is exact. A name that several
// ended connections held is counted correctly only after it is cleared.
func (m *Machine) Exact() bool {
	n := 0
	for _, c := range m.ended {
		if len(c.shared) > 0 {
			n++
		}
	}
	return n < 2
}

// settle removes the ended connections from the holders of a shared lock. It may leave
// the lock without holders.
func (m *Machine) settle(l *shared) {
	if len(m.ended) == 0 {
		return
	}
	if len(m.ended) > len(l.holders) {
		for at := len(l.holders) - 1; at >= 0; at-- {
			if l.holders[at].conn.ended {
				m.clearShared(l, at)
			}
		}
		return
	}
	for _, c := range m.ended {
		if at := l.find(c.id); at >= 0 {
			m.clearShared(l, at)
		}
	}
}

// sharedLock returns the shared lock with that name, nil if it has neither a holder nor
// a queue.
func (m *Machine) sharedLock(name []byte) *shared {
	l := m.shared[string(name)]
	if l == nil {
		return nil
	}
	if m.settle(l); len(l.holders) == 0 && l.queue() == nil {
		return nil
	}
	return l
}

// clearExclusive takes a lock from its owner, which has ended.
func (m *Machine) clearExclusive(l *exclusive) {
	l.take(m.owner(l))
	m.exclusiveSize.NameBytes -= len(l.name)
	m.exclusiveSize.RepeatedBytes -= len(l.name)
}

// clearShared removes a holder that has ended from a lock.
func (m *Machine) clearShared(l *shared, at int) {
	m.unlink(l, at)
	m.sharedSize.RepeatedBytes -= len(l.name)
	switch len(l.holders) {
	case 0:
		m.sharedSize.NameBytes -= len(l.name)
		m.left(l)
	case 1:
		if last := l.holders[0].conn; last.ended {
			m.sharedSize.Names--
		} else {
			last.alone++
		}
	}
}
