// Package transport connects clients to a lockd server over TCP, a unix socket or a
// WebSocket: one notation for addresses, and one dialer, for everything in sim that
// uses real sockets.
//
// It does not depend on the protocol that is spoken over a connection, nor on the
// server. Begin with [Endpoint]; [Dial] returns a stream of bytes over any transport,
// with TLS or without, and [DialMessages] a WebSocket whose messages are kept apart.
package transport
