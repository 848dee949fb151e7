package lock

import "slices"

// holders lists the connections that hold something, so that a snapshot does not
// scan all connections. One that no longer holds anything may stay until the next
// call of all: updating the list with every lock would cost more than it saves.
type holders struct {
	list []*conn // list[c.place] is c
}

// add adds a connection, unless it is there.
func (h *holders) add(c *conn) {
	if c.place < 0 {
		c.place = int32(len(h.list))
		h.list = append(h.list, c)
	}
}

// remove removes a connection, if it is there; the last one takes its place.
func (h *holders) remove(c *conn) {
	if c.place < 0 {
		return
	}
	last := h.list[len(h.list)-1]
	h.list[c.place], last.place = last, c.place
	h.list[len(h.list)-1] = nil
	h.list = h.list[:len(h.list)-1]
	c.place = -1
}

// all returns the connections that hold something. Callers must not keep the slice.
func (h *holders) all() []*conn {
	h.list = slices.DeleteFunc(h.list, func(c *conn) bool {
		if len(c.exclusive)+len(c.shared) > 0 {
			return false
		}
		c.place = -1
		return true
	})
	for i, c := range h.list {
		c.place = int32(i)
	}
	return h.list
}
