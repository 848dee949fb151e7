// Package loop serves connections of stream transports in one goroutine: it waits
// until the kernel reports that some are ready, and takes the next steps of their
// lives.
//
// A Loop is deterministic given the results of its Kernel: it has no goroutine, no
// clock and no randomness of its own. Turn waits once and handles the events, so a
// simulation can be the kernel, and run the turns of several loops in any order. The
// daemon runs it on epoll (lockd/server/epoll), each Loop in a goroutine locked to its
// thread.
//
// # Invariants
//
//   - A descriptor is used by one Loop, and closed once, at the end of the turn
//     in which its connection ended: so an event of this turn cannot be for a new
//     connection with the same number. Neither can an event of an older turn, since
//     tokens are never reused.
//   - A connection is watched for reading or for writing, never both. Nothing is
//     read from it while it has unsent replies.
//   - A turn does no more for a connection than one read of up to 16 KiB, the
//     commands in it, and one write for each 64 KiB of replies.
//   - What a call of the Hub brings for connections of the loop, such as grants, is sent
//     before the replies of that call. Between the two there is no other call: what
//     follows, such as the end of a connection that is broken, is left to the end of the turn.
//
// Begin with Loop.Turn in loop.go, then conn.go.
package loop
