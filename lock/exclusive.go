package lock

// exclusive is a lock that is held, is free, or waits to be granted. It is small, since
// there may be very many.
type exclusive struct {
	name  string
	next  *exclusive // in its bucket of the table
	owner slot       // 0 if no connection has it
	bits  uint32     // at, and queuedBit
}

// exclusiveHolding is a holding seen from its connection.
type exclusiveHolding struct {
	lock  *exclusive
	token Token
}

// queuedBit says that the lock has a queue, which is in Machine.exclusiveQueues.
const queuedBit = 1 << 31

// at returns the position of the lock in the list of its owner or, if it is free, in
// the ring of free locks.
func (l *exclusive) at() int { return int(l.bits &^ queuedBit) }

func (l *exclusive) setAt(at int) { l.bits = l.bits&queuedBit | uint32(at) }

// queued says whether connections wait for the lock.
func (l *exclusive) queued() bool { return l.bits&queuedBit != 0 }

// Get acquires the exclusive lock with that name for the connection (GET-1,
// GET-2). If the connection already holds it, Options.Reentrant decides the
// outcome, and nothing changes (GET-3, CLASSIC-2).
func (m *Machine) Get(id Conn, name []byte) Outcome {
	c := m.conn(id)
	if c == nil {
		return Denied
	}
	m.keepUp()
	hash := m.exclusive.hash(name)
	l := m.exclusive.find(hash, name)
	if l != nil && (m.owned(l) || l.queued()) {
		if l.owner == c.slot && m.options.Reentrant {
			return Granted
		}
		return Denied
	}
	if m.full(c, len(name)) {
		return Limited
	}
	switch {
	case l != nil && l.owner != 0:
		m.clearExclusive(l)
	case l != nil:
		m.free.remove(l)
	default:
		l = &exclusive{name: string(name)}
		m.exclusive.add(hash, l)
	}
	m.own(l, c)
	return Granted
}

// own gives a lock without owner to a connection.
func (m *Machine) own(l *exclusive, c *conn) {
	l.owner = c.slot
	l.setAt(len(c.exclusive))
	c.exclusive = append(c.exclusive, exclusiveHolding{l, m.tokens.next(m.now)})
	m.holders.add(c)
	m.exclusiveSize.named(l.name, 1)
	m.exclusiveSize.change(l.name, c, 1)
}

// Release releases the exclusive lock with that name if the connection holds it,
// and says whether it did (REL-1, REL-2, REL-3).
func (m *Machine) Release(id Conn, name []byte) bool {
	c, l := m.conn(id), m.exclusive.named(name)
	if c == nil || l == nil || l.owner != c.slot {
		return false
	}
	m.releaseExclusive(l, c)
	return true
}

// Holder returns the connection that holds the exclusive lock with that name, and
// whether there is one (INS-1).
func (m *Machine) Holder(name []byte) (Conn, bool) {
	l := m.exclusive.named(name)
	if l == nil || !m.owned(l) {
		return 0, false
	}
	return m.owner(l).id, true
}

// ExclusiveLocks returns the number of names held exclusively (STATS-4).
func (m *Machine) ExclusiveLocks() int { return m.exclusiveSize.Names }

// owner returns the connection that has the lock; it may have ended.
func (m *Machine) owner(l *exclusive) *conn { return m.slots.of(l.owner) }

// owned says whether an open connection has the lock.
func (m *Machine) owned(l *exclusive) bool {
	return l.owner != 0 && (len(m.ended) == 0 || !m.owner(l).ended)
}

// releaseExclusive takes the lock from its owner, which is open.
func (m *Machine) releaseExclusive(l *exclusive, c *conn) {
	l.take(c)
	m.exclusiveSize.named(l.name, -1)
	m.exclusiveSize.change(l.name, c, -1)
	m.abandon(l)
}

// take removes the lock from its owner's list, in which the last lock takes its place
// (I1, I2).
func (l *exclusive) take(c *conn) {
	at, last := l.at(), len(c.exclusive)-1
	if at != last {
		c.exclusive[at] = c.exclusive[last]
		c.exclusive[at].lock.setAt(at)
	}
	c.exclusive[last].lock = nil
	c.exclusive = c.exclusive[:last]
	l.owner = 0
}

// abandon serves the queue of a lock without owner, or makes it free if it has none.
func (m *Machine) abandon(l *exclusive) {
	if l.queued() {
		m.touch(m.exclusiveQueues[l])
		return
	}
	m.free.add(l)
	for out := m.free.excess(); out != nil; out = m.free.excess() {
		m.exclusive.remove(out)
	}
}
