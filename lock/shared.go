package lock

// indexedHolders is the number of holders beyond which a shared lock has an index
// of them. Up to it a linear search is as fast and takes no memory.
const indexedHolders = 8

// Unbounded is the bound of a holder that neither has nor respects one (BOUND-1).
const Unbounded = -1

// shared is a lock that has holders, or waits to be granted (I3). A holder and its
// connection point at each other by position, so that each finds the other in
// constant time: holders[i].conn.shared[holders[i].at] has this lock, and i.
type shared struct {
	name    string
	holders []sharedHolder
	extra   *sharedExtra // nil while it would be empty
}

// sharedExtra is what few shared locks have.
type sharedExtra struct {
	index  map[Conn]int // position in holders; nil until there are many (I5)
	bounds bounds
	queue  *queue // nil if nobody waits
}

// sharedHolder is a holding seen from its lock.
type sharedHolder struct {
	conn *conn
	at   int // position in conn.shared
}

// sharedHolding is a holding seen from its connection.
type sharedHolding struct {
	lock  *shared
	token Token // also the order of holders
	at    int32 // position in lock.holders
	bound int32 // 0: none of its own; Unbounded: acquired by GetShared
}

// GetShared makes the connection a holder of the shared lock with that name and
// returns the number of holders, including this one (SGET-1). If it already is a
// holder, nothing changes (SGET-2). It goes past queues and bounds (BOUND-1). The number
// is 0 unless the outcome is Granted.
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
	return m.getShared(l, name, c, Unbounded)
}

// GetBounded is GetShared with a bound from 0 to 2^31-1: the outcome is Denied if the
// number of holders would exceed the bound, unless that is 0, or the bound of another
// holder, or if somebody waits for the lock. It is Held if the connection is a holder
// that has not acquired the lock by GetBounded with the same bound (BOUND-2, BOUND-3).
func (m *Machine) GetBounded(id Conn, name []byte, bound int) (int, Outcome) {
	c := m.conn(id)
	if c == nil {
		return 0, Denied
	}
	m.keepUp()
	l := m.sharedLock(name)
	if l == nil {
		return m.getShared(nil, name, c, int32(bound))
	}
	if at := l.find(id); at >= 0 {
		if l.holding(at).bound != int32(bound) {
			return 0, Held
		}
		return len(l.holders), Granted
	}
	if l.queue() != nil || !l.admits(int32(bound)) {
		return 0, Denied
	}
	return m.getShared(l, name, c, int32(bound))
}

// getShared adds a holder to a lock, which is nil if it is not in the table.
func (m *Machine) getShared(l *shared, name []byte, c *conn, bound int32) (int, Outcome) {
	if m.full(c, l.adds(len(name))) {
		return 0, Limited
	}
	if l == nil {
		l = &shared{name: string(name)}
		m.shared[l.name] = l
	}
	m.join(l, c, bound)
	return len(l.holders), Granted
}

// adds returns how many bytes of names another holder adds, of a lock with a name of that
// length.
func (l *shared) adds(name int) int {
	if l != nil && len(l.holders) > 0 {
		return 0
	}
	return name
}

// join adds a holder to a lock in the table.
func (m *Machine) join(l *shared, c *conn, bound int32) {
	l.add(sharedHolder{conn: c, at: len(c.shared)})
	c.shared = append(c.shared, sharedHolding{lock: l, token: m.tokens.next(m.now), at: int32(len(l.holders) - 1), bound: bound})
	if bound > 0 {
		l.more().bounds.add(bound)
	}
	m.holders.add(c)
	switch len(l.holders) {
	case 1:
		m.sharedSize.named(l.name, 1)
		c.alone++
	case 2:
		l.holders[0].conn.alone--
	}
	m.sharedSize.change(l.name, c, 1)
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
// from the table if it was the last holder and nobody waits (SREL-3). None of the
// holders has ended.
func (m *Machine) releaseShared(l *shared, at int) {
	c := l.holders[at].conn
	m.unlink(l, at)
	m.sharedSize.change(l.name, c, -1)
	switch len(l.holders) {
	case 0:
		c.alone--
		m.sharedSize.named(l.name, -1)
	case 1:
		l.holders[0].conn.alone++
	}
	m.left(l)
}

// left serves the queue of a lock that a holder has left, or removes the lock from the
// table if it has neither holders nor a queue.
func (m *Machine) left(l *shared) {
	if q := l.queue(); q != nil {
		m.touch(q)
	} else if len(l.holders) == 0 {
		delete(m.shared, l.name)
	}
}

// unlink removes the holder at that position from the lock, and the lock from the
// holder. In both lists the last element takes the free place, and its counterpart
// is updated with the new position.
func (m *Machine) unlink(l *shared, at int) {
	c, i := l.holders[at].conn, l.holders[at].at
	if bound := c.shared[i].bound; bound > 0 {
		l.extra.bounds.remove(bound)
	}
	moved := c.shared[len(c.shared)-1]
	moved.lock.holders[moved.at].at = i
	c.shared[i] = moved
	c.shared[len(c.shared)-1] = sharedHolding{}
	c.shared = c.shared[:len(c.shared)-1]
	l.remove(at)
	l.less()
}

// holding returns the holding of the holder at that position.
func (l *shared) holding(at int) *sharedHolding { return &l.holders[at].conn.shared[l.holders[at].at] }

// admits says whether there may be one more holder, with a bound (BOUND-2).
func (l *shared) admits(bound int32) bool {
	holders := int64(len(l.holders)) + 1
	if bound > 0 && holders > int64(bound) {
		return false
	}
	smallest, some := l.smallestBound()
	return !some || holders <= int64(smallest)
}

// smallestBound returns the smallest bound of the holders, and whether one has a bound.
func (l *shared) smallestBound() (int32, bool) {
	if l.extra == nil {
		return 0, false
	}
	return l.extra.bounds.smallest()
}

// more returns the extra of the lock, and makes it if there is none.
func (l *shared) more() *sharedExtra {
	if l.extra == nil {
		l.extra = new(sharedExtra)
	}
	return l.extra
}

// less drops the extra of the lock if it is empty.
func (l *shared) less() {
	if _, some := l.smallestBound(); !some && l.index() == nil && l.queue() == nil {
		l.extra = nil
	}
}

// queue returns the queue of the lock, nil if nobody waits.
func (l *shared) queue() *queue {
	if l.extra == nil {
		return nil
	}
	return l.extra.queue
}

// index returns the index of the holders, nil if there is none.
func (l *shared) index() map[Conn]int {
	if l.extra == nil {
		return nil
	}
	return l.extra.index
}

// find returns the position of the connection among the holders, or -1.
func (l *shared) find(id Conn) int {
	if index := l.index(); index != nil {
		if at, ok := index[id]; ok {
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
	if index := l.index(); index != nil {
		index[h.conn.id] = len(l.holders) - 1
		return
	}
	if len(l.holders) > indexedHolders {
		index := make(map[Conn]int, len(l.holders))
		for at := range l.holders {
			index[l.holders[at].conn.id] = at
		}
		l.more().index = index
	}
}

// remove removes the holder at that position; the last takes its place. It does
// not change the list of the removed holder's connection. An index stays until the last
// holder has left.
func (l *shared) remove(at int) {
	index := l.index()
	if index != nil {
		delete(index, l.holders[at].conn.id)
	}
	last := len(l.holders) - 1
	if at != last {
		moved := l.holders[last]
		l.holders[at] = moved
		moved.conn.shared[moved.at].at = int32(at)
		if index != nil {
			index[moved.conn.id] = at
		}
	}
	l.holders[last] = sharedHolder{}
	l.holders = l.holders[:last]
	if last == 0 && index != nil {
		l.extra.index = nil
	}
}
