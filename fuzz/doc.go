// Package fuzz throws bytes at every part of lockd that reads them, and compares
// what comes back with the naive model of package sim/model, which is written
// from docs/protocol.md alone.
//
// Its tests are Go fuzz targets, whose seeds plain `go test` runs, properties
// with rapid, and the exhaustion of small worlds. Run goes through all targets
// of the module for some time each; `lockcheck fuzz` is its command.
package fuzz
