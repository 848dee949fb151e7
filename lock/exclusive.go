package lock

// exclusive is a lock that is held or free.
type exclusive struct {
	name  string
	owner *conn // nil if it is free
	at    int   // owner.exclusive[at] is this lock; if it is free, Machine.free[at]
}

// Get acquires the exclusive lock with that name for the connection (GET-1,
// GET-2). If the connection already holds it, Options.Reentrant decides the
// outcome, and nothing changes (GET-3, CLASSIC-2).
func (m *Machine) Get(id Conn, name []byte) Outcome {
	c := m.conn(id)
	if c == nil {
		return Denied
	}
	m.keepUp()
	l := m.exclusive[string(name)]
	if l != nil && l.owner != nil && !l.owner.ended {
		if l.owner == c && m.options.Reentrant {
			return Granted
		}
		return Denied
	}
	if m.full() {
		return Limited
	}
	switch {
	case l != nil && l.owner != nil:
		m.clearExclusive(l)
	case l != nil:
		m.free.remove(l)
	default:
		l = &exclusive{name: string(name)}
		m.exclusive[l.name] = l
	}
	l.owner, l.at = c, len(c.exclusive)
	c.exclusive = append(c.exclusive, l)
	m.holders.add(c)
	m.exclusiveSize.named(l.name, 1)
	m.exclusiveSize.change(l.name, c, 1)
	return Granted
}

// Release releases the exclusive lock with that name if the connection holds it,
// and says whether it did (REL-1, REL-2, REL-3).
func (m *Machine) Release(id Conn, name []byte) bool {
	l := m.held(name)
	if l == nil || l.owner.id != id {
		return false
	}
	m.releaseExclusive(l)
	return true
}

// Holder returns the connection that holds the exclusive lock with that name, and
// whether there is one (INS-1).
func (m *Machine) Holder(name []byte) (Conn, bool) {
	l := m.held(name)
	if l == nil {
		return 0, false
	}
	return l.owner.id, true
}

// ExclusiveLocks returns the number of names held exclusively (STATS-4).
func (m *Machine) ExclusiveLocks() int { return m.exclusiveSize.Names }

// held returns the exclusive lock with that name, nil if no connection holds it.
func (m *Machine) held(name []byte) *exclusive {
	l := m.exclusive[string(name)]
	if l == nil || l.owner == nil || l.owner.ended {
		return nil
	}
	return l
}

// releaseExclusive takes the lock from its owner, and frees it or removes it from the
// table.
func (m *Machine) releaseExclusive(l *exclusive) {
	c := l.owner
	m.take(l)
	m.exclusiveSize.named(l.name, -1)
	m.exclusiveSize.change(l.name, c, -1)
	m.setFree(l)
}

// take removes the lock from its owner's list, in which the last lock takes its place
// (I1, I2).
func (m *Machine) take(l *exclusive) {
	held := l.owner.exclusive
	last := held[len(held)-1]
	held[l.at], last.at = last, l.at
	held[len(held)-1] = nil
	l.owner.exclusive = held[:len(held)-1]
	l.owner = nil
}

// setFree adds a lock without owner to the free locks.
func (m *Machine) setFree(l *exclusive) {
	if out := m.free.add(l); out != nil {
		delete(m.exclusive, out.name)
	}
}
