package soak

import "lockd/server"

// Way is a transport, and what drives its connections in the server.
type Way struct {
	Transport string
	// Loops is the number of event loops; 0 is a goroutine for every connection,
	// and UnknownLoops is a server that is not ours.
	Loops int
}

// UnknownLoops says that nobody knows what drives the connections of a server.
const UnknownLoops = -1

// String tells it as a kind of perturbation.
func (w Way) String() string {
	switch {
	case w.Transport == WebSocket || w.Loops == UnknownLoops:
		return "over " + w.Transport
	case w.Loops == 0:
		return "over " + w.Transport + ", goroutines"
	case w.Loops == 1:
		return "over " + w.Transport + ", one loop"
	}
	return "over " + w.Transport + ", several loops"
}

// Ways are all ways of this system.
func Ways() []Way {
	ways := []Way{{TCP, 0}, {Unix, 0}, {WebSocket, 0}}
	if server.LoopsSupported {
		ways = []Way{{TCP, 1}, {Unix, 0}, {WebSocket, 1}, {Unix, 1}, {TCP, 0}, {Unix, 3}, {TCP, 3}}
	}
	return ways
}

// WayOf is the way of a seed. Seeds that follow each other go through all ways of
// this system in turn.
func WayOf(seed uint64) Way {
	ways := Ways()
	return ways[seed%uint64(len(ways))]
}
