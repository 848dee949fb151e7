// Package core computes the replies to the received bytes: it is the whole server
// without sockets, clocks and goroutines.
//
// # Use
//
// Open a connection, pass the bytes that arrive on it to Receive, and Close it. Every
// call takes the current time, and returns in its Effects the bytes to be sent, on
// any connections. Next returns when Tick must be called at the latest. The same
// calls in the same order have the same effects; nothing else reaches an output.
//
// Each call is a step. A step may grant locks to connections that wait (wait.go), end
// their waits, or end other connections (kill.go), and says so in its Effects; it never
// executes what those have sent. A connection that waits is resumed first, and then its
// caller passes the rest of its input to Receive, in a step of its own.
//
// A Core is not safe for concurrent use: its caller serializes the calls, and
// delivers the outputs for one connection in the order of the calls that made
// them.
//
// Begin with [Core], then execute.go and wait.go. The clauses cited are those of docs/protocol.md.
package core
