// Package client is the client's half of a conformance case: connections over any
// transport that keep what comes and how it comes, byte by byte and packet by packet.
//
// It knows lines, and nothing of what they mean; it judges nothing. Begin with [Conn].
package client
