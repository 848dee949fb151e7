// Package lock is the pure lock machine: it decides who holds what.
//
// A Machine has two tables that know nothing of each other, exclusive locks
// and shared locks, and a set of open connections that own what stands in them
// (TABLE-1). Every input is an argument and every effect a result: there is no
// I/O, clock, goroutine or randomness here, and no order of a map reaches an
// output. The same calls in the same order give the same results.
//
// # Use
//
// Open a connection under a number of the caller's choice, call the six
// commands in its name, and Close it: all that it holds is released in one
// step (END-1, END-2, END-7). A connection that is not open gets nothing and
// releases nothing. Names are bytes (LINE-10); the Machine copies what it
// keeps, so that the caller may reuse its buffer.
//
// A Machine is not safe for concurrent use. Whoever shares one serializes the
// calls; core.Core does it for the daemon.
//
// # Invariants
//
// They hold between any two calls, Valid checks them, and code and tests cite
// them by number.
//
//   - I1: an exclusive lock stands in the table under its own name. It is held by one
//     open connection and stands once in the list of that connection, or it is
//     free and stands once among the free ones, which are few.
//   - I2: everything in the exclusive list of a connection stands in the table.
//   - I3: a shared lock stands in the table under its own name and has at least
//     one holder (SREL-3); every holder is an open connection, stands there once
//     (SGET-2), and has the lock once in its list.
//   - I4: everything in the shared list of a connection stands in the table.
//   - I5: the holders of one shared lock got it at different times, all in the
//     past; a lock of many holders has an index of all of them.
//   - I6: the number of holdings is the sum of both tables (an exclusive lock is
//     one, each holder of a shared lock is one) and within the limit; the sizes of
//     both are those of what they hold.
//   - I7: every connection that holds something is listed as a holder, once.
//   - I8: a connection that has ended and is not cleared is not open, and counts
//     nowhere; only it, and what it held, know of each other.
//
// # Cost
//
// Every command takes constant time, and so does Close beyond Options.Piece
// holdings: what is left of them is cleared in pieces, by Clear and by every
// acquisition and command on shared locks. A snapshot takes the time to copy a few
// words for each holding; to sort it is up to who looks at it. Only an acquisition
// that stores a name or a holder for which there was no room allocates.
package lock
