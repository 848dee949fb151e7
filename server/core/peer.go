package core

import "strconv"

// Unix is the network of a Peer on a unix socket.
const Unix = "unix"

// Peer identifies the other end of a connection.
type Peer struct {
	Network string // "tcp", or Unix
	Addr    string // host:port; "" on a unix socket, which has none
}

// addr returns the address that is shown for the connection with that number (ADDR-1).
func (p Peer) addr(id ID) string {
	if p.Network == Unix {
		return "unix:" + strconv.FormatUint(uint64(id), 10)
	}
	return p.Addr
}
