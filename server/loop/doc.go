// Package loop serves connections of stream transports in one goroutine: it waits
// until the kernel says that some are ready, and lets each of them take a step of
// its life.
//
// A Loop is a plain function of what its Kernel says: it has no goroutine, no
// clock and no randomness of its own. Turn is one wait and what follows from it,
// so that a simulation can be the kernel, and play the turns of several loops in
// any order. The daemon runs it on epoll (lockd/server/epoll), each Loop in a
// goroutine locked to its thread.
//
// # Invariants
//
//   - A descriptor is used by one Loop, and closed once, at the end of the turn
//     in which its connection ended: an event of this turn cannot mean another
//     connection that was given its number. An event of an older turn cannot
//     either, since tokens are never used again.
//   - A connection is watched for reading or for writing, never both. While its
//     replies are unread nothing is read from it.
//   - A turn does no more for a connection than one read of up to 16 KiB, what
//     that executes, and one write for each 64 KiB of replies.
package loop
