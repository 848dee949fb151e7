package lock

// indexedHolders is the number of holders beyond which a shared lock has an index
// of them. Up to it a linear search is as fast and takes no memory.
const indexedHolders = 8

// shared is a lock with at least one holder (I3). A holder and its connection
// point at each other by position, so that each finds the other in
// constant time: holders[i].conn.shared[holders[i].at] has this lock, and i.
type shared struct {
	name    string
	holders []sharedHolder
	index   map[Conn]int // position in holders; nil until there are many (I5)
}

// sharedHolder is a holding seen from its lock.
type sharedHolder struct {
	conn *conn
	at   int // position in conn.shared
}

// sharedHolding is a holding seen from its connection.
type sharedHolding struct {
	lock     *shared
	at       int    // position in lock.holders
	acquired uint64 // Machine.acquisitions at the time: the order of holders
}

// GetShared makes the connection a holder of the shared lock with that name and
// returns the number of holders, including this one (SGET-1). If it already is a
// holder, nothing changes (SGET-2). The number is 0 unless the outcome is Granted.
func (m *Machine) GetShared(id Conn, name []byte) (int, Outcome) {
	c := m.conn(id)
	if c == nil {
		return 0, Denied
	}
	m.keepUp()
	l := m.sharedLock(name)
	if l != nil && l.find(id) >= 0 {
		return len(l.holders), Granted
	}
	if m.full() {
		return 0, Limited
	}
	if l == nil {
		l = &shared{name: string(name)}
		m.shared[l.name] = l
		m.sharedSize.named(l.name, 1)
	}
	m.acquisitions++
	l.add(sharedHolder{conn: c, at: len(c.shared)})
	c.shared = append(c.shared, sharedHolding{lock: l, at: len(l.holders) - 1, acquired: m.acquisitions})
	m.holders.add(c)
	switch len(l.holders) {
	case 1:
		c.alone++
	case 2:
		l.holders[0].conn.alone--
	}
	m.sharedSize.change(l.name, c, 1)
	return len(l.holders), Granted
}

// ReleaseShared removes the connection from the holders of the shared lock with
// that name, and says whether it was one (SREL-1, SREL-2).
func (m *Machine) ReleaseShared(id Conn, name []byte) bool {
	m.keepUp()
	l := m.sharedLock(name)
	if l == nil {
		return false
	}
	at := l.find(id)
	if at < 0 {
		return false
	}
	m.releaseShared(l, at)
	return true
}

// Holders returns the number of holders of the shared lock with that name (SINS-1).
func (m *Machine) Holders(name []byte) int {
	m.keepUp()
	l := m.sharedLock(name)
	if l == nil {
		return 0
	}
	return len(l.holders)
}

// SharedLocks returns the number of names with a shared holder (STATS-4).
func (m *Machine) SharedLocks() int { return m.sharedSize.Names }

// releaseShared removes the holder at that position from the lock, and the lock
// from the table if it was the last holder (SREL-3). None of the holders has ended.
func (m *Machine) releaseShared(l *shared, at int) {
	c := l.holders[at].conn
	m.unlink(l, at)
	m.sharedSize.change(l.name, c, -1)
	switch len(l.holders) {
	case 0:
		c.alone--
		delete(m.shared, l.name)
		m.sharedSize.named(l.name, -1)
	case 1:
		l.holders[0].conn.alone++
	}
}

// unlink removes the holder at that position from the lock, and the lock from the
// holder. In both lists the last element takes the free place, and its counterpart
// is updated with the new position.
func (m *Machine) unlink(l *shared, at int) {
	c, i := l.holders[at].conn, l.holders[at].at
	moved := c.shared[len(c.shared)-1]
	moved.lock.holders[moved.at].at = i
	c.shared[i] = moved
	c.shared[len(c.shared)-1] = sharedHolding{}
	c.shared = c.shared[:len(c.shared)-1]
	l.remove(at)
}

// find returns the position of the connection among the holders, or -1.
func (l *shared) find(id Conn) int {
	if l.index != nil {
		if at, ok := l.index[id]; ok {
			return at
		}
		return -1
	}
	for at := range l.holders {
		if l.holders[at].conn.id == id {
			return at
		}
	}
	return -1
}

// add appends a holder, and makes the index once there are many.
func (l *shared) add(h sharedHolder) {
	l.holders = append(l.holders, h)
	if l.index != nil {
		l.index[h.conn.id] = len(l.holders) - 1
		return
	}
	if len(l.holders) > indexedHolders {
		l.index = make(map[Conn]int, len(l.holders))
		for at := range l.holders {
			l.index[l.holders[at].conn.id] = at
		}
	}
}

// remove removes the holder at that position; the last takes its place. It does
// not change the list of the removed holder's connection.
func (l *shared) remove(at int) {
	if l.index != nil {
		delete(l.index, l.holders[at].conn.id)
	}
	last := len(l.holders) - 1
	if at != last {
		moved := l.holders[last]
		l.holders[at] = moved
		moved.conn.shared[moved.at].at = at
		if l.index != nil {
			l.index[moved.conn.id] = at
		}
	}
	l.holders[last] = sharedHolder{}
	l.holders = l.holders[:last]
}
