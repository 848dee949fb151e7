package lock

// Conn is the number of a connection, chosen by the caller, who must never use it
// for two connections (ADDR-2).
type Conn uint64

// Options configure a Machine.
type Options struct {
	// Reentrant makes Get return Granted to the connection that already holds
	// the lock (GET-3); without it Get returns Denied (CLASSIC-2). Either way
	// nothing changes.
	Reentrant bool
	Limits    Limits
	// Piece is the most holdings that Close releases one by one, and that Clear
	// clears in one call. A connection that holds more also ends in one step;
	// Clear clears its holdings afterwards. 0 is a measured default.
	Piece int
	// LastToken is a token that all tokens exceed (TOKEN-4).
	LastToken Token
}

// defaultPiece holdings are cleared in half a millisecond.
const defaultPiece = 2000

// Outcome is the answer to an acquisition.
type Outcome uint8

const (
	// Denied means that nothing changed: another connection holds the lock or waits
	// for it, or this one holds it and the Machine is not re-entrant, or it is not open.
	Denied Outcome = iota
	// Granted means that this connection now holds the lock.
	Granted
	// Limited means that nothing changed, since the acquisition would have
	// exceeded one of the Limits (BAD-5).
	Limited
	// Held means that nothing changed, since the connection holds the lock with
	// another bound (BOUND-3).
	Held
)

// Orphans counts what the end of a connection released (STATS-6).
type Orphans struct {
	Exclusive int // exclusive locks
	Shared    int // holdings of shared locks
}

// Machine is the state of all locks. The package comment describes its use and its
// invariants. Make one with New.
type Machine struct {
	options   Options
	conns     map[Conn]*conn
	slots     slots
	recent    *conn // looked up last, or nil: commands come in batches
	exclusive table
	shared    map[string]*shared
	free      freeLocks // also in exclusive
	holders   holders
	ended     []*conn // not yet cleared, the earliest first
	// The sizes of the two tables.
	exclusiveSize, sharedSize Size

	now     Token  // the first token of the present millisecond
	tokens  stamps // of grants (I12)
	tickets stamps // of waiters (I10)

	queues          []*queue
	exclusiveQueues map[*exclusive]*queue
	waiters         map[*conn]*waiter
	waitingSize     Size   // of waiters, as holders
	waitingShared   int    // waiters for shared locks
	touched         passes // queues that Serve may serve
	postponed       passes // queues that Continue may serve
}

// conn is an open connection and what it holds, in no particular order. It is small,
// since there may be very many idle connections.
type conn struct {
	id        Conn
	exclusive []exclusiveHolding
	shared    []sharedHolding
	weight    [2]int32 // a Weight
	alone     int32    // shared locks of which it is the only holder
	place     int32    // index in Machine.holders; -1 if it is not there
	slot      slot
	ended     bool // its holdings no longer count; its lists are not cleared
}

// New returns a Machine without connections or locks.
func New(options Options) *Machine {
	if options.Piece <= 0 {
		options.Piece = defaultPiece
	}
	return &Machine{
		options:   options,
		conns:     make(map[Conn]*conn),
		exclusive: newTable(),
		shared:    make(map[string]*shared),
		tokens:    stamps{options.LastToken},

		exclusiveQueues: make(map[*exclusive]*queue),
		waiters:         make(map[*conn]*waiter),
	}
}

// Open adds a connection that holds nothing, and returns a reference to it. Opening one
// that is open already changes nothing.
func (m *Machine) Open(id Conn) Ref {
	c := m.conns[id]
	if c == nil {
		c = &conn{id: id, place: -1}
		m.conns[id] = c
		m.slots.add(c)
	}
	return Ref{c}
}

// Close removes a connection, cancels its wait, releases all its locks in one step
// (END-1, END-2, END-7), and returns how many it released. Others may be served then:
// first those behind it, then those that wait for its locks, in the order in which it
// acquired them (END-9). Closing a connection that is not open changes nothing.
func (m *Machine) Close(id Conn) Orphans {
	c := m.conns[id]
	if c == nil {
		return Orphans{}
	}
	m.Cancel(id)
	m.touchContended(c)
	orphans := Orphans{Exclusive: len(c.exclusive), Shared: len(c.shared)}
	if orphans.Exclusive+orphans.Shared > m.options.Piece {
		m.end(c)
	}
	for !c.ended && len(c.exclusive) > 0 {
		m.releaseExclusive(c.exclusive[len(c.exclusive)-1].lock, c)
	}
	for !c.ended && len(c.shared) > 0 {
		last := len(c.shared) - 1
		m.settle(c.shared[last].lock) // which may move it
		m.releaseShared(c.shared[last].lock, int(c.shared[last].at))
	}
	if !c.ended {
		m.slots.remove(c)
	}
	m.holders.remove(c)
	delete(m.conns, id)
	m.recent = nil
	return orphans
}

// conn returns an open connection, nil if it is not open.
func (m *Machine) conn(id Conn) *conn {
	if c := m.recent; c != nil && c.id == id {
		return c
	}
	c := m.conns[id]
	m.recent = c
	return c
}

// Ref refers to a connection, for Expect. It may be kept after the connection's end.
type Ref struct{ conn *conn }

// Expect says that the next calls are for a connection, so that they need not look it up.
// It does nothing for one that has ended.
func (m *Machine) Expect(r Ref) {
	if c := r.conn; c != nil && !c.ended && m.slots.of(c.slot) == c {
		m.recent = c
	}
}

// Conns returns the number of open connections.
func (m *Machine) Conns() int { return len(m.conns) }
