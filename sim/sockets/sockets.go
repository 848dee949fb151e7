// Package sockets is the layer of the simulation on real sockets. It runs the clients of
// sim/workload against a server in this process, over every transport and with every
// driver ([Local]), or against any server at an address ([Remote]). It is the only layer
// with connections of the real kernel.
//
// The package judges nothing: it returns what the clients saw as a history. All that it
// observes inside a server is when that has closed a connection. Begin with [Draw], then
// Local.Run.
package sockets

import (
	"fmt"
	"math/rand/v2"

	"lockd/sim/transport"
	"lockd/sim/workload"
)

// Options are the choices of one run.
type Options struct {
	Crowd  workload.Options
	Driver Driver
	// Flood adds a client that sends many requests and reads nothing, until the buffers
	// are full.
	Flood bool
	// Library lets the clients use the Go client, where the server is Local.
	Library bool
}

// Draw derives options from a seed, for a server with a driver. clients and names, if
// not 0, replace the numbers drawn from the seed.
func Draw(seed uint64, driver Driver, clients, names int) Options {
	r := rand.New(rand.NewPCG(seed, 0x736f616b))
	if clients == 0 {
		clients = 2 + r.IntN(5)
	}
	if names == 0 {
		names = 1 + r.IntN(3)
	}
	o := Options{Driver: driver, Flood: r.IntN(100) == 0}
	o.Crowd = workload.Options{
		Seed:         seed,
		Clients:      clients,
		Ops:          15 + r.IntN(20),
		Pipeline:     1 + r.IntN(max(1, min(5, 10/clients))),
		EndPercent:   []int{0, 3, 10, 60}[r.IntN(4)],
		AbortPercent: []int{0, 30, 100}[r.IntN(3)],
		SplitPercent: []int{0, 20}[r.IntN(2)],
		StallPercent: []int{0, 0, 2}[r.IntN(3)],
		HalfCloses:   driver.Transport != transport.WebSocket,
		Reliable:     true,
	}
	if r.IntN(3) == 0 {
		o.Crowd.Clients, o.Crowd.Ops = min(clients, 3), 12
	}
	if !o.Flood {
		o.Crowd.TablePercent = []int{0, 10}[r.IntN(2)]
	}
	o.Crowd.Extended = r.IntN(2) == 0
	o.Library = driver.Transport != transport.WebSocket && !o.Flood && r.IntN(4) == 0
	for i := range names {
		o.Crowd.Names = append(o.Crowd.Names, fmt.Sprintf("n%d", i))
	}
	return o
}

// Faults are the kinds of perturbations that a campaign must hit.
var Faults = []string{
	"pipeline", "split batch", "torn last line", "half-close", "close", "reset", "close handshake",
	"end before the reply", "end inside a pipeline", "slow reader", "full buffers", "reconnect storm", "message without LF",
	"client library", "library: gave up", "library: lock lost",
}

func init() {
	for _, driver := range Drivers() {
		Faults = append(Faults, driver.String())
	}
}
