package core

import "fmt"

// registry lists the connections with a registered name in the order of
// registration (WHO-1). It is a doubly linked list, so that a connection leaves
// it in constant time. The zero value is empty.
type registry struct {
	first, last *registration
}

// registration is the name of one connection.
type registration struct {
	conn       *conn
	name       string
	prev, next *registration
}

// set registers a name for the connection, at the end of the list (IAM-1,
// WHO-1).
func (r *registry) set(c *conn, name string) {
	r.remove(c)
	n := &registration{conn: c, name: name, prev: r.last}
	if r.last == nil {
		r.first = n
	} else {
		r.last.next = n
	}
	r.last, c.name = n, n
}

// remove takes the connection's name away, if it has one (IAM-2, WHO-4).
func (r *registry) remove(c *conn) {
	n := c.name
	if n == nil {
		return
	}
	if n.prev == nil {
		r.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		r.last = n.prev
	} else {
		n.next.prev = n.prev
	}
	c.name = nil
}

// valid checks that the list and the connections point at each other.
func (r *registry) valid(conns map[ID]*conn) error {
	listed := 0
	for n := r.first; n != nil; n = n.next {
		if conns[n.conn.id] != n.conn || n.conn.name != n {
			return fmt.Errorf("the name %q is registered for connection %d, which does not bear it", n.name, n.conn.id)
		}
		listed++
	}
	named := 0
	for _, c := range conns {
		if c.name != nil {
			named++
		}
	}
	if listed != named {
		return fmt.Errorf("%d names are registered, %d connections bear one", listed, named)
	}
	return nil
}

// holder is how a connection is shown as a holder: by its name, else its
// address (DUMP-1, ME-1).
func (c *conn) holder() string {
	if c.name != nil {
		return c.name.name
	}
	return c.addr
}
