// Package tlstest makes certificates for tests, and puts TLS in front of a server that
// does not speak it.
//
// It knows nothing of the protocol. Begin with [NewAuthority] and [Serve].
package tlstest
