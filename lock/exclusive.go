package lock

// exclusive is a lock that is held; one that nobody holds does not exist.
type exclusive struct {
	name  string
	owner *conn
	at    int // owner.exclusive[at] is this lock
}

// Get acquires the exclusive lock of that name for the connection (GET-1,
// GET-2). On a lock that the connection holds already, Options.Reentrant
// decides, and nothing changes (GET-3, CLASSIC-2).
func (m *Machine) Get(id Conn, name []byte) Outcome {
	c := m.conns[id]
	if c == nil {
		return Denied
	}
	if l := m.exclusive[string(name)]; l != nil {
		if l.owner == c && m.options.Reentrant {
			return Granted
		}
		return Denied
	}
	if m.full() {
		return Limited
	}
	l := &exclusive{name: string(name), owner: c, at: len(c.exclusive)}
	m.exclusive[l.name] = l
	c.exclusive = append(c.exclusive, l)
	m.holdings++
	return Granted
}

// Release releases the exclusive lock of that name if the connection holds it,
// and says whether it did (REL-1, REL-2, REL-3).
func (m *Machine) Release(id Conn, name []byte) bool {
	l := m.exclusive[string(name)]
	if l == nil || l.owner.id != id {
		return false
	}
	m.releaseExclusive(l)
	return true
}

// Holder returns the connection that holds the exclusive lock of that name, and
// whether there is one (INS-1).
func (m *Machine) Holder(name []byte) (Conn, bool) {
	l := m.exclusive[string(name)]
	if l == nil {
		return 0, false
	}
	return l.owner.id, true
}

// ExclusiveLocks returns the number of names held exclusively (STATS-4).
func (m *Machine) ExclusiveLocks() int { return len(m.exclusive) }

// releaseExclusive takes the lock from the table and from its owner's list,
// where the last one takes its place (I1, I2).
func (m *Machine) releaseExclusive(l *exclusive) {
	held := l.owner.exclusive
	last := held[len(held)-1]
	held[l.at], last.at = last, l.at
	held[len(held)-1] = nil
	l.owner.exclusive = held[:len(held)-1]
	delete(m.exclusive, l.name)
	m.holdings--
}
