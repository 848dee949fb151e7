// Package life is the state machine of one connection: it reads, executes lines, sends
// the replies and does not read while they are unsent; it ends, releases its locks,
// ends its stream, lingers, and is closed.
//
// A Life uses no sockets, clocks or goroutines. Its driver asks for the next Step,
// takes it, and reports the result and the time; deadlines are data that the driver
// watches. All drivers use the same Life: the event loop, which takes a step when the
// kernel is ready for it, and the goroutine, which blocks in it.
//
// # Invariants
//
//   - L1: nothing is read while there are unsent replies or input to be executed.
//   - L2: the locks are released once, and before the stream is ended or the
//     connection closed (END-5); a connection that was refused has none.
//   - L3: every connection reaches Close: an ending one always has a deadline or a
//     step that does not wait.
//
// Begin with [Life] and its Step.
package life
