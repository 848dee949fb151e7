// Package fuzz throws bytes at every part of lockd that reads them, and compares
// what comes back with the naive model of package sim/model, which is written
// from docs/protocol.md alone. Where the bytes go to core.Core itself, sim/judge
// compares.
//
// Its tests are Go fuzz targets, whose seeds plain `go test` runs. Most of them
// read their input as package schedule codes it. Package property holds properties
// with rapid, and the exhaustion of small worlds. Run goes through all targets of
// the module for some time each; `lockcheck fuzz` is its command.
package fuzz
