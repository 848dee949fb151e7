// Package client is the client's side of a conformance case: connections over any
// transport that record what they receive and how it arrives, byte by byte and packet by
// packet.
//
// It splits input into lines, but does not interpret or judge them. Begin with [Conn].
package client
