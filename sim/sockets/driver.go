package sockets

import (
	"lockd/server"
	"lockd/sim/transport"
)

// Driver is a transport, and what drives its connections in the server.
type Driver struct {
	Transport string
	// Loops is the number of event loops; 0 is a goroutine for every connection,
	// and UnknownLoops is for a Remote server.
	Loops int
}

// UnknownLoops means that the number of loops of a server is not known.
const UnknownLoops = -1

// String returns the driver's name as a kind of perturbation.
func (d Driver) String() string {
	switch {
	case d.Transport == transport.WebSocket || d.Loops == UnknownLoops:
		return "over " + d.Transport
	case d.Loops == 0:
		return "over " + d.Transport + ", goroutines"
	case d.Loops == 1:
		return "over " + d.Transport + ", one loop"
	}
	return "over " + d.Transport + ", several loops"
}

// Drivers returns all drivers that this operating system supports.
func Drivers() []Driver {
	drivers := []Driver{{transport.TCP, 0}, {transport.Unix, 0}, {transport.WebSocket, 0}}
	if server.LoopsSupported {
		drivers = []Driver{{transport.TCP, 1}, {transport.Unix, 0}, {transport.WebSocket, 1}, {transport.Unix, 1}, {transport.TCP, 0}, {transport.Unix, 3}, {transport.TCP, 3}}
	}
	return drivers
}

// DriverOf returns the driver of a seed. Consecutive seeds go through all Drivers in
// turn.
func DriverOf(seed uint64) Driver {
	drivers := Drivers()
	return drivers[seed%uint64(len(drivers))]
}
