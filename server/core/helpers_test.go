package core

// open opens a connection that must not be refused.
func open(c *Core, addr string) ID {
	id, ok := c.Open(0, Peer{Addr: addr}, new(Effects))
	if !ok {
		panic("the connection was refused")
	}
	return id
}

// ask sends bytes on a connection and returns the replies and the input that is
// left.
func ask(c *Core, id ID, data string) (replies string, rest []byte) {
	var fx Effects
	rest = c.Receive(0, id, []byte(data), &fx)
	return string(fx.To(id)), rest
}
