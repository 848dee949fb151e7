package core

import "strconv"

// Unix is the network of a Peer on a unix socket.
const Unix = "unix"

// Peer says who a connection is from.
type Peer struct {
	Network string // "tcp", or Unix
	Addr    string // host:port; "" on a unix socket, which has none
}

// addr is how the connection with that number is shown (ADDR-1).
func (p Peer) addr(id ID) string {
	if p.Network == Unix {
		return "unix:" + strconv.FormatUint(uint64(id), 10)
	}
	return p.Addr
}
