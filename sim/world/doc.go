// Package world is the deterministic simulation: virtual clients and a virtual network,
// in one loop without goroutines and clocks. It is two layers: in the layer world the
// clients talk to core.Core, in the layer loop to the production event loops on the fake
// kernel of sim/kernel.
//
// A seed determines everything. [Draw] and [DrawLoop] derive Options from it and [Run]
// plays them: at every step a client sends, or the network delivers, tears or resets, and
// sim/judge compares what Core does with what sim/model does. The same Options give the
// same Result.Hash, in any process and with any number of processors. The package does not
// decide which replies are right, opens no sockets and reads no clock while it plays.
//
// [Explain] explains a failure: it plays the same Options again with a recorder and
// shrinks the trace, the events that reached the server, to the few that still fail.
//
// Begin with world.go, which plays a run, and network.go, the interface between its clients
// and the server, which core_network.go and kernel_network.go implement. The second drives
// harness.go, which applies events to the loops. judged_core.go is the Core that the loops
// call and observed_kernel.go is their kernel; both keep account of every connection
// (conn_state.go). settle.go checks what must hold when nothing happens. audit.go queries
// the server as a client does.
package world
