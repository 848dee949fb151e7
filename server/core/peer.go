package core

import "strconv"

// Transport is how a client reaches the server.
type Transport uint8

// The transports. TLS is TCP with TLS, WSS a WebSocket with TLS.
const (
	TCP Transport = iota
	Unix
	WS
	TLS
	WSS

	// NumTransports is the number of values of Transport, for arrays indexed by it.
	NumTransports
)

var transports = [NumTransports]string{TCP: "tcp", Unix: "unix", WS: "ws", TLS: "tls", WSS: "wss"}

// String returns the name of the transport in lower case.
func (t Transport) String() string { return transports[t] }

// Peer identifies the other end of a connection.
type Peer struct {
	Transport Transport
	Addr      string // host:port; "" on a unix socket, which has none
	// Name is who the client has proved to be, with a certificate (IAM-3); "" is unknown.
	Name string
}

// addr returns the address that is shown for the connection with that number (ADDR-1).
func (p Peer) addr(id ID) string {
	if p.Transport == Unix || p.Addr == "" {
		return "unix:" + strconv.FormatUint(uint64(id), 10)
	}
	return p.Addr
}
