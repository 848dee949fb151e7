package lock

// Size is what it takes to show a table, kept up to date by every change so that
// it is known at once. The bytes of names are more than that until Clear has cleared
// what connections held that have ended.
type Size struct {
	Names     int // that are held
	NameBytes int // of them, each counted once
	Holdings  int // holders of all names; as many as Names for exclusive locks
	// RepeatedBytes are those of the names, each counted once for every holder.
	RepeatedBytes int
	// HolderBytes are those of the holders, each counted once for every name, in
	// the two ways of showing them.
	HolderBytes Weight
}

// Weight is how many bytes it takes to show a connection, in each of two ways that
// are the caller's choice, less than 2 GiB.
type Weight [2]int

// change adds n holdings of a name by a connection, or takes them away.
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

// named adds n names, or takes them away.
func (s *Size) named(name string, n int) {
	s.Names += n
	s.NameBytes += n * len(name)
}

// Weigh says how many bytes it takes to show a connection as a holder; before that
// it is none.
func (m *Machine) Weigh(id Conn, w Weight) {
	c := m.conn(id)
	if c == nil {
		return
	}
	m.exclusiveSize.weigh(c.weight, -len(c.exclusive))
	m.sharedSize.weigh(c.weight, -len(c.shared))
	c.weight = [2]int32{int32(w[0]), int32(w[1])}
	m.exclusiveSize.weigh(c.weight, len(c.exclusive))
	m.sharedSize.weigh(c.weight, len(c.shared))
}

// ExclusiveSize returns the size of the table of exclusive locks.
func (m *Machine) ExclusiveSize() Size { return m.exclusiveSize }

// SharedSize returns the size of the table of shared locks.
func (m *Machine) SharedSize() Size { return m.sharedSize }

// HoldersSize returns what it takes to show the holders of the shared lock of that
// name. It takes time in proportion to their number, which is Holders.
func (m *Machine) HoldersSize(name []byte) Size {
	var size Size
	if l := m.sharedLock(name); l != nil {
		size.named(l.name, 1)
		for _, h := range l.holders {
			size.change(l.name, h.conn, 1)
		}
	}
	return size
}
