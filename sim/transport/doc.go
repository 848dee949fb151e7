// Package transport connects clients to a lockd server over TCP, a unix socket or a
// WebSocket: one way to write an address, and one dialer, for everything in sim that
// uses real sockets.
//
// It knows nothing of the protocol that is spoken over a connection, and nothing of
// any server. Begin with [Endpoint]; [Dial] gives a stream of bytes over any
// transport, [DialWebSocket] one whose messages can be told apart.
package transport
