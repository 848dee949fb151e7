// Package core decides which bytes answer which bytes: it is the whole server
// without sockets, clocks and goroutines.
//
// # Use
//
// Open a connection, give what arrives on it to Receive, and Close it. Every call
// is told what time it is, and says in its Effects what is to be sent, on
// whichever connection. Next says when Tick wants to be called at the latest.
// The same calls in the same order have the same effects; nothing else reaches
// an output.
//
// A Core is not safe for concurrent use: its caller serializes the calls, and
// delivers the outputs for one connection in the order of the calls that made
// them.
//
// The clauses cited are those of docs/protocol.md.
package core
