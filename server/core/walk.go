package core

import "lockd/lock"

// walkPiece is how many connections and holdings one piece of a walk visits: some tens of
// microseconds.
const walkPiece = 1000

// Walk looks at all connections, in pieces, between which Core goes on. Its fields are what
// the last piece has seen, and are reused for the next. The zero value is a walk that has
// not begun; lock.Walk says what it may miss.
type Walk struct {
	Conns    []WalkedConn
	Holdings []WalkedHolding

	walk lock.Walk
	core *Core // during a piece
}

// WalkedConn is a connection.
type WalkedConn struct {
	ID        ID
	Addr      string // ADDR-1
	Name      string // registered or proved; "" without
	Proved    bool   // the name is that of a certificate
	Transport Transport
	Holdings  int
	// Waits says that it waits for Lock, one of that many. Ticket tells since when.
	Waits  bool
	Lock   lock.Lock
	Ticket lock.Token
	Queue  int
}

// WalkedHolding is a lock and one of its holders, as WalkedConn shows it.
type WalkedHolding struct {
	Lock    lock.Lock
	Token   lock.Token // which tells since when
	Bound   int        // as in lock.Holding
	Waiters int
	ID      ID
	Addr    string
	Name    string
	Proved  bool
}

// Walk takes a walk on, and returns false when it is over.
func (c *Core) Walk(w *Walk) bool {
	clear(w.Conns) // names may be long, and locks released meanwhile
	clear(w.Holdings)
	w.Conns, w.Holdings, w.core = w.Conns[:0], w.Holdings[:0], c
	more := c.machine.Walk(&w.walk, walkPiece, (*walker)(w))
	w.core = nil
	return more
}

// walker is a Walk as a lock.Visitor.
type walker Walk

// Conn implements lock.Visitor.
func (w *walker) Conn(id lock.Conn, holdings int, wait *lock.Waiter, queue int) {
	c := w.core.conns[ID(id)]
	seen := WalkedConn{ID: c.id, Addr: c.addr, Name: c.registered(), Proved: c.proved, Transport: c.transport, Holdings: holdings}
	if wait != nil {
		seen.Waits, seen.Lock, seen.Ticket, seen.Queue = true, wait.Lock, wait.Ticket, queue
	}
	w.Conns = append(w.Conns, seen)
}

// Holding implements lock.Visitor.
func (w *walker) Holding(h lock.Holding) {
	c := w.core.conns[ID(h.Holder)]
	w.Holdings = append(w.Holdings, WalkedHolding{h.Lock, h.Token, h.Bound, h.Waiters, c.id, c.addr, c.registered(), c.proved})
}
