package lock

import (
	"cmp"
	"slices"
)

// queue is the connections that wait for one lock, in the order in which they began to
// (I10). A lock has a queue only while somebody waits for it.
type queue struct {
	exclusive   *exclusive // one of these two is set
	shared      *shared
	first, last *waiter
	waiters     int
	passing     bool // it is in one of the passes (I9)
	place       int  // in Machine.queues
}

// waiter is a connection that waits for a lock.
type waiter struct {
	conn   *conn
	queue  *queue
	before *waiter
	after  *waiter // its neighbours in the queue
	ticket Token   // grows in the order of all calls of Wait, and tells the time
	bound  int32   // as in sharedHolding
}

// Lock is a name in one of the two tables.
type Lock struct {
	Shared bool
	Name   string
}

// Served is what has become of a connection that has waited: it is granted the lock, or
// Limited.
type Served struct {
	Lock    Lock
	Conn    Conn
	Outcome Outcome
	Holders int // as GetBounded returns it, if the lock is shared and Granted
}

// WaitExclusive makes a connection that Get has denied a lock wait for it, behind all
// others (WAIT-2). It returns a ticket, which is greater than that of any earlier wait.
// A connection waits for one lock at a time, and must not call for others meanwhile.
func (m *Machine) WaitExclusive(id Conn, name []byte) Token {
	l := m.exclusive.named(name)
	q := m.exclusiveQueues[l]
	if q == nil {
		q = &queue{exclusive: l}
		m.exclusiveQueues[l] = q
		l.bits |= queuedBit
		m.addQueue(q)
	}
	return m.wait(id, q, 0)
}

// WaitShared is WaitExclusive for a lock that GetBounded has denied.
func (m *Machine) WaitShared(id Conn, name []byte, bound int) Token {
	l := m.shared[string(name)]
	q := l.queue()
	if q == nil {
		q = &queue{shared: l}
		l.more().queue = q
		m.addQueue(q)
	}
	return m.wait(id, q, int32(bound))
}

func (m *Machine) wait(id Conn, q *queue, bound int32) Token {
	w := &waiter{conn: m.conn(id), queue: q, before: q.last, ticket: m.tickets.next(m.now), bound: bound}
	if q.last == nil {
		q.first = w
	} else {
		q.last.after = w
	}
	q.last = w
	q.waiters++
	m.waiters[w.conn] = w
	m.waitingShared += number(q.shared != nil)
	m.waitingSize.change(q.name(), w.conn, 1)
	return w.ticket
}

// Cancel ends the wait of a connection, and returns the lock, and whether it waited.
// Others may be served then.
func (m *Machine) Cancel(id Conn) (Lock, bool) {
	w := m.waiters[m.conn(id)]
	if w == nil {
		return Lock{}, false
	}
	m.leave(w)
	if w.queue.waiters > 0 {
		m.touch(w.queue)
	}
	return w.queue.lock(), true
}

// CancelAll ends all waits, and calls cancelled for each, in the order in which they
// began. Nobody is served then (WAIT-7).
func (m *Machine) CancelAll(cancelled func(Conn, Lock)) {
	all := make([]*waiter, 0, len(m.waiters))
	for _, q := range m.queues {
		for w := q.first; w != nil; w = w.after {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b *waiter) int { return cmp.Compare(a.ticket, b.ticket) })
	for _, w := range all {
		m.leave(w)
		cancelled(w.conn.id, w.queue.lock())
	}
}

// Serve grants a lock to a connection that waits for it, if a call since the last
// Postpone has made that possible, and says whether it did. Serve is called until it
// returns false, or Postpone is called: nobody may get in between (WAIT-3).
func (m *Machine) Serve() (Served, bool) { return m.serve(&m.touched) }

// Touched says whether Serve may have something to do.
func (m *Machine) Touched() bool { return len(m.touched.queues) > 0 }

// Postpone leaves what Serve could do to Continue. Queues that are not served to their
// end stay closed: Get and GetBounded deny their locks.
func (m *Machine) Postpone() {
	for _, q := range m.touched.queues[m.touched.next:] {
		if q.passing = m.servable(q); q.passing {
			m.postponed.queues = append(m.postponed.queues, q)
		}
	}
	clear(m.touched.queues)
	m.touched = passes{queues: m.touched.queues[:0]}
}

// Postponed says whether Continue has something to do.
func (m *Machine) Postponed() bool { return len(m.postponed.queues) > 0 }

// Continue is Serve for what was postponed.
func (m *Machine) Continue() (Served, bool) { return m.serve(&m.postponed) }

// Waiting returns how many connections wait.
func (m *Machine) Waiting() int { return len(m.waiters) }

// Place returns the place of a connection that has just begun to wait, from 1.
func (m *Machine) Place(id Conn) int { return m.waiters[m.conn(id)].queue.waiters }

// WaitingIn returns how many connections wait for exclusive locks, and for shared ones.
func (m *Machine) WaitingIn() (exclusive, shared int) {
	return len(m.waiters) - m.waitingShared, m.waitingShared
}

// Queues returns how many locks somebody waits for.
func (m *Machine) Queues() int { return len(m.queues) }

// passes are queues that may be served, in order.
type passes struct {
	queues []*queue
	next   int
}

// touch makes a queue one that may be served.
func (m *Machine) touch(q *queue) {
	if !q.passing {
		q.passing = true
		m.touched.queues = append(m.touched.queues, q)
	}
}

// serve serves the first connection in the passes that can be served, and removes from
// them the queues that have no such connection.
func (m *Machine) serve(p *passes) (s Served, served bool) {
	for p.next < len(p.queues) {
		q := p.queues[p.next]
		if m.servable(q) {
			if served {
				return s, true
			}
			s, served = m.serveFirst(q), true
			continue
		}
		q.passing = false
		p.queues[p.next] = nil
		p.next++
	}
	p.queues, p.next = p.queues[:0], 0
	return s, served
}

// servable says whether the first in a queue could be granted the lock, but for the
// limit of holdings.
func (m *Machine) servable(q *queue) bool {
	switch {
	case q.waiters == 0:
		return false
	case q.exclusive != nil:
		return !m.owned(q.exclusive)
	}
	m.settle(q.shared)
	return q.shared.admits(q.first.bound)
}

// serveFirst grants the lock to the first in a servable queue, unless that would exceed
// the limit of holdings.
func (m *Machine) serveFirst(q *queue) Served {
	w := q.first
	s := Served{Lock: q.lock(), Conn: w.conn.id, Outcome: Granted}
	if m.full(w.conn, q.shared.adds(len(s.Lock.Name))) {
		s.Outcome = Limited
		m.leave(w)
		return s
	}
	if l := q.shared; l != nil {
		m.join(l, w.conn, w.bound)
		s.Holders = len(l.holders)
	} else {
		if q.exclusive.owner != 0 {
			m.clearExclusive(q.exclusive)
		}
		m.own(q.exclusive, w.conn)
	}
	m.leave(w)
	return s
}

// leave removes a waiter from its queue, and the queue from its lock if it was the last.
// A lock that has neither a holder nor a queue then is removed, or made free.
func (m *Machine) leave(w *waiter) {
	q := w.queue
	m.waitingSize.change(q.name(), w.conn, -1)
	m.waitingShared -= number(q.shared != nil)
	delete(m.waiters, w.conn)
	if w.before == nil {
		q.first = w.after
	} else {
		w.before.after = w.after
	}
	if w.after == nil {
		q.last = w.before
	} else {
		w.after.before = w.before
	}
	if q.waiters--; q.waiters > 0 {
		return
	}
	m.removeQueue(q)
	if l := q.shared; l != nil {
		l.extra.queue = nil
		l.less()
		m.left(l)
		return
	}
	l := q.exclusive
	l.bits &^= queuedBit
	delete(m.exclusiveQueues, l)
	if l.owner == 0 {
		m.abandon(l)
	}
}

// name returns the name of the lock.
func (q *queue) name() string {
	if q.shared != nil {
		return q.shared.name
	}
	return q.exclusive.name
}

func (q *queue) lock() Lock { return Lock{q.shared != nil, q.name()} }

// addQueue adds a queue to the list of all, which is in no particular order.
func (m *Machine) addQueue(q *queue) {
	q.place = len(m.queues)
	m.queues = append(m.queues, q)
}

// removeQueue removes a queue from the list; the last one takes its place.
func (m *Machine) removeQueue(q *queue) {
	last := len(m.queues) - 1
	m.queues[q.place] = m.queues[last]
	m.queues[q.place].place = q.place
	m.queues[last] = nil
	m.queues = m.queues[:last]
}

// contended is a lock that a connection holds and others wait for.
type contended struct {
	token Token
	queue *queue
}

// touchContended touches the queues of all locks that a connection holds, in the order
// in which it acquired them (END-9).
func (m *Machine) touchContended(c *conn) {
	var found []contended
	switch {
	case len(m.queues) == 0:
	case len(m.queues) < len(c.exclusive)+len(c.shared):
		for _, q := range m.queues {
			if token, held := q.heldBy(c); held {
				found = append(found, contended{token, q})
			}
		}
	default:
		for _, h := range c.exclusive {
			if h.lock.queued() {
				found = append(found, contended{h.token, m.exclusiveQueues[h.lock]})
			}
		}
		for _, h := range c.shared {
			if q := h.lock.queue(); q != nil {
				found = append(found, contended{h.token, q})
			}
		}
	}
	slices.SortFunc(found, func(a, b contended) int { return cmp.Compare(a.token, b.token) })
	for _, f := range found {
		m.touch(f.queue)
	}
}

// heldBy returns the token of a connection's holding of the lock, and whether it has one.
func (q *queue) heldBy(c *conn) (Token, bool) {
	if l := q.exclusive; l != nil {
		if l.owner != c.slot {
			return 0, false
		}
		return c.exclusive[l.at()].token, true
	}
	at := q.shared.find(c.id)
	if at < 0 {
		return 0, false
	}
	return q.shared.holding(at).token, true
}
