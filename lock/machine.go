package lock

// Conn is the number of a connection, chosen by the caller. It must never be
// used for two connections (ADDR-2).
type Conn uint64

// Options are the choices a Machine is made with.
type Options struct {
	// Reentrant makes Get answer Granted to the connection that holds the
	// lock already (GET-3); without it that is Denied (CLASSIC-2). Either way
	// nothing changes.
	Reentrant bool
	// MaxHoldings limits exclusive locks plus holders of shared locks
	// (BAD-5). 0 is no limit.
	MaxHoldings int
	// Piece is how many holdings the end of a connection clears in one step. One
	// that holds more ends for everybody in that step, all the same, and is cleared
	// by Clear in pieces of as many. 0 is what is measured to be good.
	Piece int
}

// defaultPiece is cleared in half a millisecond.
const defaultPiece = 2000

// Outcome is the answer to an acquisition.
type Outcome uint8

const (
	// Denied means that nothing changed: another connection holds the lock,
	// or this one does and the Machine is not re-entrant, or it is not open.
	Denied Outcome = iota
	// Granted means that this connection holds the lock now.
	Granted
	// Limited means that nothing changed, since the lock would have been one
	// holding more than Options.MaxHoldings (BAD-5).
	Limited
)

// Orphans counts what the end of a connection released (STATS-6).
type Orphans struct {
	Exclusive int // exclusive locks
	Shared    int // holdings of shared locks
}

// Machine is the state of all locks. See the package comment for its use and
// its invariants; make one with New.
type Machine struct {
	options   Options
	conns     map[Conn]*conn
	recent    *conn // the one that was looked up last, or nil: commands come in batches
	exclusive map[string]*exclusive
	shared    map[string]*shared
	free      freeLocks // stand in exclusive too
	holders   holders
	ended     []*conn // that are not cleared yet, the earliest first
	// The sizes of what is held.
	exclusiveSize, sharedSize Size
	// acquisitions counts the holders that shared locks ever got; it dates
	// each of them (I5).
	acquisitions uint64
}

// conn is an open connection and what it holds, in no order that matters. Very many
// may be idle: it is small.
type conn struct {
	id        Conn
	exclusive []*exclusive
	shared    []sharedHolding
	weight    [2]int32 // a Weight
	alone     int32    // shared locks that it alone holds
	place     int32    // among Machine.holders; -1 if it is not there
	ended     bool     // it holds nothing any more, and its lists are not cleared
}

// New returns a Machine without connections and locks.
func New(options Options) *Machine {
	if options.Piece <= 0 {
		options.Piece = defaultPiece
	}
	return &Machine{
		options:   options,
		conns:     make(map[Conn]*conn),
		exclusive: make(map[string]*exclusive),
		shared:    make(map[string]*shared),
	}
}

// Open adds a connection that holds nothing. Opening one that is open already
// changes nothing.
func (m *Machine) Open(id Conn) {
	if m.conns[id] == nil {
		m.conns[id] = &conn{id: id, place: -1}
	}
}

// Close removes a connection and releases all that it holds, in one step
// (END-1, END-2, END-7), and says how much that was. Closing a connection that
// is not open changes nothing.
func (m *Machine) Close(id Conn) Orphans {
	c := m.conns[id]
	if c == nil {
		return Orphans{}
	}
	orphans := Orphans{Exclusive: len(c.exclusive), Shared: len(c.shared)}
	if orphans.Exclusive+orphans.Shared > m.options.Piece {
		m.end(c)
	}
	for !c.ended && len(c.exclusive) > 0 {
		m.releaseExclusive(c.exclusive[len(c.exclusive)-1])
	}
	for !c.ended && len(c.shared) > 0 {
		last := len(c.shared) - 1
		m.settle(c.shared[last].lock) // which may move it
		m.releaseShared(c.shared[last].lock, c.shared[last].at)
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

// Conns returns the number of open connections.
func (m *Machine) Conns() int { return len(m.conns) }

// full says whether one more holding would exceed the limit.
func (m *Machine) full() bool {
	return m.options.MaxHoldings > 0 && m.exclusiveSize.Holdings+m.sharedSize.Holdings >= m.options.MaxHoldings
}
