// Package world is the deterministic world: virtual clients and a virtual
// network around core.Core, in one loop without goroutines and clocks.
//
// A seed decides everything. Draw turns it into Options, Run plays them: at
// every step a client sends, the network delivers, tears or resets, and sim/judge
// compares what Core does with what sim/model does. The same Options give the same
// Result.Hash, in any process and with any number of processors.
//
// A failure is explained by playing the same Options again with a recorder,
// and shrinking what reached Core to the few events that still fail.
package world
