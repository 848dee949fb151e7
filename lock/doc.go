// Package lock is the pure lock machine: it decides which connection holds which lock.
//
// A Machine has two independent tables, exclusive locks and shared locks, and a
// set of open connections that hold the locks in them (TABLE-1). Every input is
// an argument and every effect a result: there is no I/O, clock or goroutine here, and
// neither map order nor the random hash of a name reaches an output. The same calls
// in the same order give the same results.
//
// # Use
//
// Open a connection under a number that the caller chooses, call the
// commands for it, and Close it: all its locks are released in one
// step (END-1, END-2, END-7). A connection that is not open acquires and
// releases nothing. Names are bytes (LINE-10); the Machine copies the names that
// it keeps, so the caller may reuse its buffer.
//
// A connection that was denied a lock may wait for it: WaitExclusive and WaitShared make
// it stand in the queue of the lock. After every call that may have taken away a holder
// or a waiter, the caller calls Serve until it returns false: first come, first served,
// and nobody gets in between (WAIT-2, WAIT-3). A caller that has served enough for one
// step calls Postpone, and later Continue.
//
// A Machine is not safe for concurrent use: callers that share one serialize
// their calls, as core.Core's do in the daemon.
//
// # Invariants
//
// They hold between any two calls; Valid checks them; code and tests cite them
// by number.
//
//   - I1: an exclusive lock is in the table and is found under its own name. Either one open
//     connection holds it and has it once in its list, or it has a queue that may be
//     served, or it is free and is once in the list of free locks, which is short.
//   - I2: everything in the exclusive list of a connection is in the table.
//   - I3: a shared lock is in the table under its own name and has at least
//     one holder (SREL-3) or a queue; every holder is an open connection, is listed
//     there once (SGET-2), and has the lock once in its list.
//   - I4: everything in the shared list of a connection is in the table.
//   - I5: a shared lock with many holders has an index of all of them, and one whose
//     holders have bounds knows the smallest.
//   - I6: the number of holdings is the sum over both tables (an exclusive lock is
//     one, each holder of a shared lock is one) and within the limit; the recorded
//     sizes of both tables match their contents.
//   - I7: every connection that holds something is in the list of holders, once.
//   - I8: a connection that has ended and is not yet cleared is not open and counts
//     nowhere; only it and the locks that it held refer to each other.
//   - I9: the first in a queue could not be granted the lock, unless the queue is about
//     to be served by Serve or Continue.
//   - I10: a queue is that of one lock, is not empty, and is in the order in which its
//     waiters began to wait.
//   - I11: every waiter is an open connection, and is in one queue, once.
//   - I12: no two grants have the same token, and tokens grow in the order of grants.
//
// # Cost
//
// Every command takes constant time, and so do waiting, cancelling and serving one
// waiter; with many different bounds on one lock it is logarithmic in their number. So
// is Close beyond Options.Piece holdings: the rest is cleared in pieces, by Clear and by
// every acquisition and command on shared locks; Close also looks at its holdings or at
// all queues, whichever are fewer. A snapshot copies a few words for each holding; its
// reader does the sorting. Only an acquisition that stores a name or a holder for
// which there is no room allocates, and a wait.
//
// Begin with [Machine] in machine.go, then exclusive.go, shared.go and queue.go.
package lock
