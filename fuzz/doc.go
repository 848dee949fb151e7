// Package fuzz gives arbitrary bytes to every part of lockd that reads bytes, and
// compares the replies with the naive model of package sim/model, which is written
// from docs/protocol.md alone. Where the bytes go to core.Core itself, sim/judge
// compares.
//
// Its tests are Go fuzz targets, whose seeds a plain `go test` runs; guard_test.go fails
// if a target has lost its seeds. Begin with package schedule, with which most targets
// decode their input, and FuzzCore. Package property has property tests with rapid, and
// the exhaustion of small worlds. [Targets] and [Run] fuzz the targets of the module one
// by one, for the command `lockcheck fuzz`. The package has no sockets and no real
// kernel.
package fuzz
