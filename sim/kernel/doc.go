// Package kernel is a fake operating system in memory, for a simulation that drives
// the event loop of the server. It has no goroutine, no clock and no randomness
// of its own: the same calls have the same results.
//
// There are two layers:
//
//   - Machine, with its Pollers, behaves as Linux does if nothing fails except by what
//     the two ends of a connection do. Random scripts compare it with the real kernel
//     (compare_test.go): every result, and every readiness after every step.
//   - Faulty, around a Poller, injects faults from a fixed list, with each of which a
//     program has to cope.
//
// A Machine is the descriptor table of one process, and the sockets in it. The client's
// end of a connection is not in the table: it is an End, which the simulation reads
// from and writes to.
//
// # Simplifications of Machine
//
// Data arrives at once as far as there is room for it, a TCP window opens by the byte,
// and buffers count only bytes of the stream, where Linux counts its bookkeeping as
// well: a buffer is full at another size, but then behaves in the same way. Nothing
// ever times out. A connection is made at once or not at all. No descriptor has a
// duplicate.
//
// Begin with [Machine] and [Poller]; tcp.go and unix.go have what a socket does.
package kernel
