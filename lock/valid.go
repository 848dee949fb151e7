package lock

import (
	"fmt"
	"slices"
)

// Valid checks the invariants I1 to I12 of the package comment and returns the
// first violation it finds. It reads the whole state, and is meant for tests and
// simulations.
func (m *Machine) Valid() error {
	exclusive, err := m.validExclusives()
	if err != nil {
		return err
	}
	shared, err := m.validShareds()
	if err != nil {
		return err
	}
	if m.exclusiveSize != exclusive || m.sharedSize != shared {
		return fmt.Errorf("I6: the recorded sizes are %+v and %+v, the tables have %+v and %+v", m.exclusiveSize, m.sharedSize, exclusive, shared)
	}
	listed, err := m.validConns()
	if err != nil {
		return err
	}
	holdings := exclusive.Holdings + shared.Holdings
	if holdings != listed {
		return fmt.Errorf("I6: %d holdings are in the tables, %d in the lists of the connections", holdings, listed)
	}
	if limit := m.options.Limits.Holdings; limit > 0 && holdings > limit {
		return fmt.Errorf("I6: %d holdings exceed the limit of %d", holdings, limit)
	}
	if limit, names := m.options.Limits.NameBytes, exclusive.NameBytes+shared.NameBytes; limit > 0 && len(m.ended) == 0 && names > limit {
		return fmt.Errorf("I6: names of %d bytes exceed the limit of %d", names, limit)
	}
	for _, c := range m.holders.list {
		if limit := m.options.Limits.OfConn; limit > 0 && len(c.exclusive)+len(c.shared) > limit {
			return fmt.Errorf("I6: connection %d has %d holdings, over its limit of %d", c.id, len(c.exclusive)+len(c.shared), limit)
		}
	}
	for place, c := range m.holders.list {
		if m.conns[c.id] != c || int(c.place) != place {
			return fmt.Errorf("I7: connection %d is not at its place %d in the list of holders", c.id, place)
		}
	}
	if err := m.validQueues(); err != nil {
		return err
	}
	return m.validTokens()
}

// validExclusives checks the table of exclusive locks and measures it.
func (m *Machine) validExclusives() (size Size, err error) {
	free := 0
	locks := 0
	for l := range m.exclusive.all() {
		locks++
		name := l.name
		if err := m.validExclusive(l); err != nil {
			return size, err
		}
		switch c := m.owner(l); {
		case c == nil:
			free += 1 - number(l.queued())
		case c.ended:
			size.NameBytes += len(name)
			size.RepeatedBytes += len(name)
		default:
			size.named(name, 1)
			size.change(name, c, 1)
		}
	}
	if locks != m.exclusive.len {
		return size, fmt.Errorf("I1: %d exclusive locks are in the table, %d are recorded", locks, m.exclusive.len)
	}
	freeBytes := 0
	for at := m.free.oldest; at < m.free.next; at++ {
		if l := m.free.ring[at%maxFree]; l != nil {
			free--
			freeBytes += len(l.name)
		}
	}
	if free != 0 {
		return size, fmt.Errorf("I1: the number of locks without owner and the length of the free list differ by %d", free)
	}
	if m.free.bytes != freeBytes || freeBytes > maxFreeBytes {
		return size, fmt.Errorf("I1: names of %d bytes are free, %d are recorded, %d allowed", freeBytes, m.free.bytes, maxFreeBytes)
	}
	return size, nil
}

// validShareds checks the table of shared locks and measures it.
func (m *Machine) validShareds() (size Size, err error) {
	for name, l := range m.shared {
		if err := m.validShared(name, l); err != nil {
			return size, err
		}
		held := 0
		for _, h := range l.holders {
			if h.conn.ended {
				size.RepeatedBytes += len(name)
			} else {
				held = 1
				size.change(name, h.conn, 1)
			}
		}
		size.Names += held
		if len(l.holders) > 0 {
			size.NameBytes += len(name)
		}
	}
	if !m.Exact() {
		size.Names = m.sharedSize.Names
	}
	return size, nil
}

// validConns checks all connections and counts the holdings that they list.
func (m *Machine) validConns() (listed int, err error) {
	for id, c := range m.conns {
		if err := m.validConn(id, c); err != nil {
			return 0, err
		}
		listed += len(c.exclusive) + len(c.shared)
	}
	for _, c := range m.ended {
		if err := m.validLists(c.id, c); err != nil {
			return 0, err
		}
		if !c.ended || m.conns[c.id] != nil {
			return 0, fmt.Errorf("I8: connection %d has ended but is open", c.id)
		}
	}
	return listed, nil
}

func (m *Machine) validExclusive(l *exclusive) error {
	c, name := m.owner(l), l.name
	switch {
	case m.exclusive.named([]byte(name)) != l:
		return fmt.Errorf("I1: exclusive lock %q is not in the table under its name", name)
	case c == nil && l.queued():
	case c == nil:
		if l.at() >= len(m.free.ring) || m.free.ring[l.at()] != l {
			return fmt.Errorf("I1: exclusive lock %q is free but not at place %d of the free list", name, l.at())
		}
	case m.conns[c.id] != c && !m.hasEnded(c):
		return fmt.Errorf("I1: the holder of exclusive lock %q is not open", name)
	case l.at() >= len(c.exclusive) || c.exclusive[l.at()].lock != l:
		return fmt.Errorf("I1: exclusive lock %q is not at place %d of connection %d", name, l.at(), c.id)
	}
	return nil
}

func (m *Machine) validShared(name string, l *shared) error {
	if l.name != name {
		return fmt.Errorf("I3: shared lock %q is in the table under %q", l.name, name)
	}
	if len(l.holders) == 0 && l.queue() == nil {
		return fmt.Errorf("I3: shared lock %q has neither a holder nor a queue", name)
	}
	index := l.index()
	if index == nil && len(l.holders) > indexedHolders || index != nil && len(index) != len(l.holders) {
		return fmt.Errorf("I5: shared lock %q has %d holders, %d in its index", name, len(l.holders), len(index))
	}
	conns := make(map[Conn]bool)
	var bounded []int32
	for at, h := range l.holders {
		c := h.conn
		switch {
		case c == nil || m.conns[c.id] != c && !m.hasEnded(c):
			return fmt.Errorf("I3: holder %d of shared lock %q is not open", at, name)
		case conns[c.id]:
			return fmt.Errorf("I3: connection %d holds shared lock %q twice", c.id, name)
		case h.at < 0 || h.at >= len(c.shared) || c.shared[h.at].lock != l || int(c.shared[h.at].at) != at:
			return fmt.Errorf("I3: shared lock %q is not at place %d of connection %d", name, h.at, c.id)
		case index != nil && l.find(c.id) != at:
			return fmt.Errorf("I5: the index of shared lock %q has connection %d at %d instead of %d", name, c.id, l.find(c.id), at)
		}
		conns[c.id] = true
		if bound := l.holding(at).bound; bound > 0 {
			bounded = append(bounded, bound)
		}
	}
	got, some := l.smallestBound()
	if some != (len(bounded) > 0) || some && got != slices.Min(bounded) {
		return fmt.Errorf("I5: the smallest bound of shared lock %q is recorded as %d, it has %d", name, got, bounded)
	}
	return nil
}

func (m *Machine) validConn(id Conn, c *conn) error {
	if c.id != id {
		return fmt.Errorf("I1: connection %d is listed under %d", c.id, id)
	}
	if len(c.exclusive)+len(c.shared) > 0 && (c.place < 0 || int(c.place) >= len(m.holders.list) || m.holders.list[c.place] != c) {
		return fmt.Errorf("I7: connection %d holds something but is not listed as a holder", id)
	}
	if c.ended {
		return fmt.Errorf("I8: connection %d is open but has ended", id)
	}
	if m.slots.of(c.slot) != c {
		return fmt.Errorf("I1: connection %d is not in its slot %d", id, c.slot)
	}
	alone := int32(0)
	for _, h := range c.shared {
		if len(h.lock.holders) == 1 {
			alone++
		}
	}
	if c.alone != alone {
		return fmt.Errorf("I6: connection %d is recorded as the only holder of %d shared locks, but is that of %d", id, c.alone, alone)
	}
	return m.validLists(id, c)
}

// hasEnded says whether a connection has ended and is not yet cleared.
func (m *Machine) hasEnded(c *conn) bool { return c.ended && slices.Contains(m.ended, c) }

func (m *Machine) validLists(id Conn, c *conn) error {
	for at, h := range c.exclusive {
		l := h.lock
		if m.exclusive.named([]byte(l.name)) != l || m.owner(l) != c || l.at() != at {
			return fmt.Errorf("I2: connection %d lists exclusive lock %q, which it does not hold", id, l.name)
		}
	}
	for at, h := range c.shared {
		if m.shared[h.lock.name] != h.lock || int(h.at) >= len(h.lock.holders) ||
			h.lock.holders[h.at].conn != c || h.lock.holders[h.at].at != at {
			return fmt.Errorf("I4: connection %d lists shared lock %q, which it does not hold", id, h.lock.name)
		}
	}
	return nil
}
