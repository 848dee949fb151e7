// Package world is the deterministic world, two layers of the simulation: virtual
// clients and a virtual network, in one loop without goroutines and clocks, around
// core.Core (the layer world), or around the production event loops on the fake kernel
// of sim/kernel (the layer loop).
//
// A seed decides everything. [Draw] and [DrawLoop] turn it into Options, [Run] plays
// them: at every step a client sends, the network delivers, tears or resets, and
// sim/judge compares what Core does with what sim/model does. The same Options give the
// same Result.Hash, in any process and with any number of processors. Nothing here
// decides what is right about replies, uses a socket, or knows the time.
//
// A failure is explained by playing the same Options again with a recorder, and
// shrinking the trace, what reached the server, to the few events that still fail.
//
// Begin with world.go, a run, and network.go, what lies between its clients and the
// server: core_network.go and kernel_network.go are the two networks. Behind the second,
// stage.go lets events happen around the loops; tap.go is the Core that they call and
// observed.go their kernel, which keep account of every connection (link.go); settle.go
// has what must hold when nothing happens. audit.go asks the server as a client does.
package world
