package core

import (
	"cmp"
	"container/list"
	"fmt"
)

// registry lists the connections with a registered name in the order of
// registration (WHO-5): all of them, and those of each name. The zero value is empty.
type registry struct {
	all    registrations
	byName map[string]*registrations
}

// registrations is a list of registrations, and the bytes that it takes in a reply.
type registrations struct {
	list.List
	bytes int
}

// registration is the name of one connection.
type registration struct {
	conn         *conn
	name         string
	inAll, alike *list.Element // its elements in the two lists
}

// bytes returns the bytes that a registration takes in a reply (WHO-1).
func (n *registration) bytes() int { return len(n.conn.addr) + len(": ") + len(n.name) + len("\n") }

// set registers a name for the connection, at the end of the list (IAM-1,
// WHO-1).
func (r *registry) set(c *conn, name string) {
	r.remove(c)
	alike := r.byName[name]
	if alike == nil {
		if r.byName == nil {
			r.byName = make(map[string]*registrations)
		}
		alike = new(registrations)
		r.byName[name] = alike
	}
	n := &registration{conn: c, name: name}
	n.inAll, n.alike = r.all.PushBack(n), alike.PushBack(n)
	r.all.bytes += n.bytes()
	alike.bytes += n.bytes()
	c.name = n
}

// remove removes the connection's name, if it has one (IAM-2, WHO-4).
func (r *registry) remove(c *conn) {
	n := c.name
	if n == nil {
		return
	}
	alike := r.byName[n.name]
	r.all.Remove(n.inAll)
	alike.Remove(n.alike)
	r.all.bytes -= n.bytes()
	alike.bytes -= n.bytes()
	if alike.Len() == 0 {
		delete(r.byName, n.name)
	}
	c.name = nil
}

// of returns the registrations of a name, or all if it is empty (WHO-1, WHO-2).
func (r *registry) of(name []byte) *registrations {
	if len(name) == 0 {
		return &r.all
	}
	if alike := r.byName[string(name)]; alike != nil {
		return alike
	}
	return new(registrations)
}

// size returns the size of the reply to who, in lines and bytes.
func (r *registry) size(name []byte) (lines, bytes int) {
	of := r.of(name)
	return of.Len(), of.bytes
}

// appendTo appends the lines that who shows.
func (r *registry) appendTo(all []registered, name []byte) []registered {
	for e := r.of(name).Front(); e != nil; e = e.Next() {
		n := e.Value.(*registration)
		all = append(all, registered{n.conn.addr, n.name})
	}
	return all
}

// valid checks that the lists and the connections point at each other.
func (r *registry) valid(conns map[ID]*conn) error {
	bytes := 0
	for e := r.all.Front(); e != nil; e = e.Next() {
		n := e.Value.(*registration)
		if conns[n.conn.id] != n.conn || n.conn.name != n {
			return fmt.Errorf("the name %q is registered for connection %d, which does not have it", n.name, n.conn.id)
		}
		bytes += n.bytes()
	}
	alike := 0
	for name, of := range r.byName {
		for e := of.Front(); e != nil; e = e.Next() {
			if n := e.Value.(*registration); n.name != name || n.conn.name != n {
				return fmt.Errorf("the name %q is listed for connection %d as %q", n.name, n.conn.id, name)
			}
		}
		alike += of.Len()
		bytes -= of.bytes
	}
	named := 0
	for _, c := range conns {
		if c.name != nil {
			named++
		}
	}
	if r.all.Len() != named || alike != named || bytes != 0 {
		return fmt.Errorf("%d names are registered, %d in the lists by name, %d connections have one; %d bytes too many", r.all.Len(), alike, named, bytes)
	}
	return nil
}

// holder returns how a connection is shown as a holder: by its name, or else by its
// address (DUMP-1, ME-1).
func (c *conn) holder() string {
	return cmp.Or(c.registered(), c.addr)
}

// registered returns the registered name of a connection, "" without one.
func (c *conn) registered() string {
	if c.name == nil {
		return ""
	}
	return c.name.name
}
