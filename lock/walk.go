package lock

// Walk visits all connections, what they hold and what they wait for, in pieces, while
// the Machine goes on. It sees a connection that is open all the time once, and a holding
// that nothing happens to once; a holding may be missed if its connection releases another
// meanwhile. The zero value is a walk that has not begun.
type Walk struct {
	slot              int  // of the connection that it has come to
	begun             bool // the Visitor knows that connection
	exclusive, shared int  // its next holding in either table
}

// Visitor is told what a Walk sees. It must not call the Machine, but for methods that
// only read.
type Visitor interface {
	// Conn is a connection, before its holdings. wait is what it waits for, or nil;
	// its Place is not known. queue is how many connections wait for that lock.
	Conn(id Conn, holdings int, wait *Waiter, queue int)
	Holding(Holding)
}

// Walk takes a walk on by so many connections and holdings, and returns false when it is
// over.
func (m *Machine) Walk(w *Walk, most int, v Visitor) bool {
	for ; most > 0; most-- {
		if w.slot >= len(m.slots.all) {
			return false
		}
		switch c := m.slots.all[w.slot]; {
		case c == nil || c.ended:
			*w = Walk{slot: w.slot + 1}
		case !w.begun:
			w.begun = true
			m.visit(c, v)
		case w.exclusive < len(c.exclusive):
			v.Holding(m.holdingOfExclusive(c, w.exclusive))
			w.exclusive++
		case w.shared < len(c.shared):
			v.Holding(m.holdingOfShared(c, w.shared))
			w.shared++
		default:
			*w = Walk{slot: w.slot + 1}
		}
	}
	return true
}

// visit tells a visitor of a connection.
func (m *Machine) visit(c *conn, v Visitor) {
	holdings := len(c.exclusive) + len(c.shared)
	w := m.waiters[c]
	if w == nil {
		v.Conn(c.id, holdings, nil, 0)
		return
	}
	v.Conn(c.id, holdings, &Waiter{Lock: w.queue.lock(), Conn: c.id, Ticket: w.ticket, Bound: int(w.bound)}, w.queue.waiters)
}

func (m *Machine) holdingOfExclusive(c *conn, at int) Holding {
	x := c.exclusive[at]
	h := Holding{Lock: Lock{false, x.lock.name}, Holder: c.id, Token: x.token}
	if x.lock.queued() {
		h.Waiters = m.exclusiveQueues[x.lock].waiters
	}
	return h
}

func (m *Machine) holdingOfShared(c *conn, at int) Holding {
	x := c.shared[at]
	h := Holding{Lock: Lock{true, x.lock.name}, Holder: c.id, Token: x.token, Bound: int(x.bound)}
	if q := x.lock.queue(); q != nil {
		h.Waiters = q.waiters
	}
	return h
}
