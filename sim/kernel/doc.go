// Package kernel is an operating system in memory, for a simulation that drives
// the event loop of the server. It has no goroutine, no clock and no randomness
// of its own: the same calls give the same answers.
//
// There are two layers:
//
//   - The honest one, Machine with its Pollers, answers what Linux answers when
//     nothing goes wrong but what the two ends do to each other. Random scripts
//     compare it with the real kernel (honest_test.go): every result, and every
//     readiness after every step.
//   - Faulty, around a Poller, adds the misfortunes of a written list, each of
//     which a program has to live with.
//
// A Machine is the descriptor table of one process and what the table refers to.
// The far end of a connection is not in the table: it is an End, which the
// simulation reads and writes by hand.
//
// # What the honest layer leaves out
//
// Whatever is sent arrives at once as far as there is room for it, a TCP window
// opens by the byte, and buffers are counted in bytes of the stream alone, where
// Linux counts its own bookkeeping as well: when a buffer is full differs, what
// happens then does not. Nothing ever times out. A connection is made at once or
// not at all. No descriptor has a duplicate.
package kernel
