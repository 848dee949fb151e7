// Package life is what one connection does from its beginning to its end: it
// reads, has lines executed, sends the replies and does not read while they are
// unread; it ends, releases its locks, ends its stream, lingers, and is closed.
//
// A Life knows no sockets, no clock and no goroutines. Its driver asks for the
// next Step, takes it, and tells what came of it and when; deadlines are data that
// the driver watches over. All drivers drive the same Life: the event loop, which
// takes a step when the kernel is ready for it, and the goroutine, which blocks
// in it.
//
// # Invariants
//
//   - L1: nothing is read while replies are unsent or input waits to be executed.
//   - L2: the locks are released once, and before the stream is ended or the
//     connection closed (END-5); a connection that was refused has none.
//   - L3: every way leads to Close: an ending connection always has a deadline
//     or a step that does not wait.
package life
