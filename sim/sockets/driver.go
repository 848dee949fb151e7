package sockets

import (
	"lockd/server"
	"lockd/sim/transport"
)

// Driver is a transport, and what drives its connections in the server.
type Driver struct {
	Transport string
	// Loops is the number of event loops; 0 is a goroutine for every connection,
	// and UnknownLoops is a server that is not ours.
	Loops int
}

// UnknownLoops says that nobody knows what drives the connections of a server.
const UnknownLoops = -1

// String tells it as a kind of perturbation.
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

// Drivers are all drivers of this system.
func Drivers() []Driver {
	drivers := []Driver{{transport.TCP, 0}, {transport.Unix, 0}, {transport.WebSocket, 0}}
	if server.LoopsSupported {
		drivers = []Driver{{transport.TCP, 1}, {transport.Unix, 0}, {transport.WebSocket, 1}, {transport.Unix, 1}, {transport.TCP, 0}, {transport.Unix, 3}, {transport.TCP, 3}}
	}
	return drivers
}

// DriverOf is the driver of a seed. Seeds that follow each other go through all drivers of
// this system in turn.
func DriverOf(seed uint64) Driver {
	drivers := Drivers()
	return drivers[seed%uint64(len(drivers))]
}
