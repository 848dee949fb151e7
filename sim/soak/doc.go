// Package soak runs honest clients of a server beside hostile ones, for minutes or hours,
// and judges what the honest ones were answered, how long they waited, and whether the
// server's memory, descriptors and goroutines stay flat and come back in the end.
//
// Honest clients are of two kinds: those of sim/workload, whose histories are checked as
// everywhere, and steady ones with names of their own, which know every answer in advance
// and are timed. Hostile clients make raids: what they are, when they begin and what they
// send follows from the seed. Everything is bounded in rate and number, so that the
// server is never without a processor, and the load is the same from the beginning to
// the end.
//
// The package looks at a server only from outside. Begin with [Run], in soak.go; raids.go
// has the list of raids, steady.go the steady clients, and verdict.go the bounds.
package soak
