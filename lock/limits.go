package lock

// Limits bound what is held (BAD-5). 0 is no limit.
type Limits struct {
	Holdings  int // exclusive locks plus holders of shared locks
	OfConn    int // these of one connection
	NameBytes int // of all names that are held, in either table
}

// full says whether another holding of a connection would exceed a limit. name is the
// length of its name, or 0 if others hold it already. Names whose connections have ended
// may count for some milliseconds, as in Size.
func (m *Machine) full(c *conn, name int) bool {
	l := &m.options.Limits
	return l.Holdings > 0 && m.exclusiveSize.Holdings+m.sharedSize.Holdings >= l.Holdings ||
		l.OfConn > 0 && len(c.exclusive)+len(c.shared) >= l.OfConn ||
		l.NameBytes > 0 && name > 0 && m.exclusiveSize.NameBytes+m.sharedSize.NameBytes+name > l.NameBytes
}
