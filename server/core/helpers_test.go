package core

// open opens a connection that must not be refused.
func open(c *Core, addr string) ID {
	id, ok := c.Open(0, Peer{Addr: addr}, new(Effects))
	if !ok {
		panic("the connection was refused")
	}
	return id
}

// ask sends bytes on a connection and returns the replies, including those that the
// connection waits for, and the unprocessed input.
func ask(c *Core, id ID, data string) (replies string, rest []byte) {
	rest, state := receive(c, id, []byte(data), &replies)
	for state.Waits {
		makeDump(c, func(r Resumed) {
			if r.To == id {
				replies += string(r.Reply)
			}
		})
		rest, state = receive(c, id, rest, &replies)
	}
	return replies, rest
}

func receive(c *Core, id ID, data []byte, replies *string) ([]byte, State) {
	var fx Effects
	rest, state := c.Receive(0, id, data, &fx)
	*replies += string(fx.To(id))
	return rest, state
}

// makeDump makes the next dump, and calls resumed for each connection that continues.
func makeDump(c *Core, resumed func(Resumed)) {
	var fx Effects
	now := c.Next()
	c.Tick(now, &fx)
	if d := fx.Dump(); d != nil {
		d.Make()
		c.Finish(now, d, &fx)
	}
	for _, r := range fx.Resumed() {
		resumed(r)
	}
}
