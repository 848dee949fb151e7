package lock

// Size is the space that a table takes in a reply. Every change updates it, so that
// it is known at once. The bytes of names are an overestimate until Clear has cleared
// the holdings of connections that have ended.
type Size struct {
	Names     int // names that are held
	NameBytes int // bytes of these names
	Holdings  int // holders of all names; as many as Names for exclusive locks
	// RepeatedBytes are the bytes of the names, each counted once for every holder.
	RepeatedBytes int
	// HolderBytes are the bytes of the holders, each counted once for every name, in
	// the two ways of showing them.
	HolderBytes Weight
}

// Weight is the number of bytes, less than 2 GiB, that a connection takes in a reply,
// in each of two representations that the caller chooses.
type Weight [2]int

// change adds n holdings of a name by a connection; n may be negative.
func (s *Size) change(name string, c *conn, n int) {
	s.Holdings += n
	s.RepeatedBytes += n * len(name)
	s.weigh(c.weight, n)
}

// weigh adds the weight of a holder n times.
func (s *Size) weigh(w [2]int32, n int) {
	s.HolderBytes[0] += n * int(w[0])
	s.HolderBytes[1] += n * int(w[1])
}

// named adds a name if n is 1, and removes it if n is -1.
func (s *Size) named(name string, n int) {
	s.Names += n
	s.NameBytes += n * len(name)
}

// Weigh sets the weight of a connection, which is 0 before.
func (m *Machine) Weigh(id Conn, w Weight) {
	c := m.conn(id)
	if c == nil {
		return
	}
	m.exclusiveSize.weigh(c.weight, -len(c.exclusive))
	m.sharedSize.weigh(c.weight, -len(c.shared))
	waits := number(m.waiters[c] != nil)
	m.waitingSize.weigh(c.weight, -waits)
	c.weight = [2]int32{int32(w[0]), int32(w[1])}
	m.exclusiveSize.weigh(c.weight, len(c.exclusive))
	m.sharedSize.weigh(c.weight, len(c.shared))
	m.waitingSize.weigh(c.weight, waits)
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// ExclusiveSize returns the size of the table of exclusive locks.
func (m *Machine) ExclusiveSize() Size { return m.exclusiveSize }

// SharedSize returns the size of the table of shared locks.
func (m *Machine) SharedSize() Size { return m.sharedSize }

// WaitingSize returns the size of all queues, with waiters in place of holders; it does
// not count names.
func (m *Machine) WaitingSize() Size { return m.waitingSize }

// HoldersSize returns the size of the holders of the shared lock with that name. It
// takes time proportional to their number, which is Holders.
func (m *Machine) HoldersSize(name []byte) Size {
	var size Size
	if l := m.sharedLock(name); l != nil && len(l.holders) > 0 {
		size.named(l.name, 1)
		for _, h := range l.holders {
			size.change(l.name, h.conn, 1)
		}
	}
	return size
}
