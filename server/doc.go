// Package server is the lockd server: Core decides what bytes answer what
// bytes, without sockets, clocks or goroutines, and Server puts it on TCP, unix
// and WebSocket listeners.
//
// # The way of a byte
//
// Every connection has one goroutine, which reads what has arrived, calls
// Core.Receive once for all of it under the one mutex of the Server, and writes
// the replies before it reads again. So a client that does not read stops its
// own goroutine and nobody else, the replies to one connection cannot overtake
// each other (REPLY-1), and a batch of pipelined commands takes the mutex once.
//
// When the stream ends, everything received has been answered already. The
// goroutine closes the connection in Core, which releases its locks, and only
// then the socket (END-4, END-5).
//
// # Limits
//
// What one connection can make the server hold: one unfinished line
// (CoreConfig.MaxLine), one read buffer (16 KiB), 64 KiB of replies and the one
// reply that passed that mark. Replies of more than 1 MiB, which only dumps
// reach, are bounded together: see pendingLimit.
//
// The clauses cited are those of docs/protocol.md.
package server
