package lock

// slot is the place of a connection in the list of all. It is smaller than a pointer,
// and more than a connection's number lets its owner be found at once. 0 is none.
type slot int32

// slots lists the connections that are open or not yet cleared. The zero value is empty.
type slots struct {
	all  []*conn // all[0] is nil
	free []slot
}

// add gives a connection a slot.
func (s *slots) add(c *conn) {
	if len(s.all) == 0 {
		s.all = append(s.all, nil)
	}
	if n := len(s.free); n > 0 {
		c.slot, s.free = s.free[n-1], s.free[:n-1]
	} else {
		c.slot = slot(len(s.all))
		s.all = append(s.all, nil)
	}
	s.all[c.slot] = c
}

// of returns the connection in a slot, nil for none.
func (s *slots) of(at slot) *conn { return s.all[at] }

// remove frees the slot of a connection.
func (s *slots) remove(c *conn) {
	s.all[c.slot] = nil
	s.free = append(s.free, c.slot)
}
