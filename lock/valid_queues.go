package lock

import (
	"fmt"
	"slices"
)

// validQueues checks all queues (I9, I10) and waiters (I11).
func (m *Machine) validQueues() error {
	waiters, exclusives, shared := 0, 0, 0
	var size Size
	for place, q := range m.queues {
		if q.place != place || (q.exclusive != nil) == (q.shared != nil) {
			return fmt.Errorf("I10: the queue of %q is not at its place %d in the list of queues", q.name(), q.place)
		}
		if err := m.validQueue(q, &size); err != nil {
			return err
		}
		waiters += q.waiters
		exclusives += number(q.exclusive != nil)
		if q.shared != nil {
			shared += q.waiters
		}
	}
	if exclusives != len(m.exclusiveQueues) {
		return fmt.Errorf("I10: %d queues of exclusive locks are in the list, %d are recorded", exclusives, len(m.exclusiveQueues))
	}
	if shared != m.waitingShared {
		return fmt.Errorf("I11: %d connections wait for shared locks, %d are recorded", shared, m.waitingShared)
	}
	if waiters != len(m.waiters) || m.waitingSize != size {
		return fmt.Errorf("I11: %d connections are in queues, of size %+v; %d wait, %+v are recorded", waiters, size, len(m.waiters), m.waitingSize)
	}
	for l := range m.exclusive.all() {
		if l.queued() && m.exclusiveQueues[l] == nil {
			return fmt.Errorf("I10: %q has no queue, although it is marked as queued", l.name)
		}
	}
	for _, l := range m.shared {
		if q := l.queue(); q != nil && (q.place >= len(m.queues) || m.queues[q.place] != q) {
			return fmt.Errorf("I10: %q has a queue that is not in the list", l.name)
		}
	}
	return nil
}

// validQueue checks one queue, and adds its waiters to size.
func (m *Machine) validQueue(q *queue, size *Size) error {
	name := q.name()
	if l := q.exclusive; l != nil && (m.exclusive.named([]byte(name)) != l || m.exclusiveQueues[l] != q || !l.queued()) {
		return fmt.Errorf("I10: a queue is not that of the exclusive lock %q", name)
	}
	if l := q.shared; l != nil && (m.shared[name] != l || l.queue() != q) {
		return fmt.Errorf("I10: a queue is not that of the shared lock %q", name)
	}
	n := 0
	var before *waiter
	for w := q.first; w != nil; before, w = w, w.after {
		switch {
		case w.queue != q || w.before != before:
			return fmt.Errorf("I10: waiter %d for %q is not in its queue", n, name)
		case before != nil && before.ticket >= w.ticket:
			return fmt.Errorf("I10: waiter %d for %q has the ticket %d, the one before it %d", n, name, w.ticket, before.ticket)
		case w.ticket > m.tickets.last:
			return fmt.Errorf("I10: waiter %d for %q has a ticket of the future", n, name)
		case m.conns[w.conn.id] != w.conn:
			return fmt.Errorf("I11: connection %d waits for %q and is not open", w.conn.id, name)
		case m.waiters[w.conn] != w:
			return fmt.Errorf("I11: connection %d waits for %q, and also elsewhere", w.conn.id, name)
		}
		size.change(name, w.conn, 1)
		n++
	}
	if q.last != before || n != q.waiters || n == 0 {
		return fmt.Errorf("I10: %d connections wait for %q, %d are recorded", n, name, q.waiters)
	}
	if !q.passing && m.couldServe(q) {
		return fmt.Errorf("I9: connection %d waits for %q, which could be granted", q.first.conn.id, name)
	}
	return nil
}

// couldServe says whether the first in a queue could be granted the lock.
func (m *Machine) couldServe(q *queue) bool {
	if q.exclusive != nil {
		return !m.owned(q.exclusive)
	}
	for _, h := range q.shared.holders {
		if h.conn.ended {
			return true
		}
	}
	return q.shared.admits(q.first.bound)
}

// validTokens checks that no two holdings have the same token, and that the tokens are
// from the past (I12).
func (m *Machine) validTokens() error {
	var few [32]Token
	tokens := few[:0]
	for _, c := range m.slots.all {
		if c == nil {
			continue
		}
		for i := range c.exclusive {
			tokens = append(tokens, c.exclusive[i].token)
		}
		for i := range c.shared {
			tokens = append(tokens, c.shared[i].token)
		}
	}
	slices.Sort(tokens)
	last := Token(0)
	for _, token := range tokens {
		if token == last {
			return fmt.Errorf("I12: the token %d is taken twice", token)
		}
		last = token
	}
	if last > m.tokens.last {
		return fmt.Errorf("I12: the token %d is in the future", last)
	}
	return nil
}
