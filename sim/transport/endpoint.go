package transport

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// The transports of a server.
const (
	TCP       = "tcp"
	Unix      = "unix"
	WebSocket = "ws"
)

// Endpoint is where a server listens.
type Endpoint struct {
	Transport string `json:"transport"`     // TCP, Unix or WebSocket
	Address   string `json:"address"`       // host:port, a path, or a ws or wss URL
	TLS       *TLS   `json:"tls,omitempty"` // nil: none; a wss URL has it always
}

// Parse reads HOST:PORT, tcp:HOST:PORT, tls://HOST:PORT, unix:PATH, ws://HOST:PORT or
// wss://HOST:PORT. The error says what to write instead.
func Parse(text string) (Endpoint, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if path == "" {
			return Endpoint{}, fmt.Errorf("%q does not name a socket; write unix:PATH", text)
		}
		return Endpoint{Transport: Unix, Address: path}, nil
	}
	e := Endpoint{Transport: TCP, Address: strings.TrimPrefix(text, "tcp:")}
	if address, ok := strings.CutPrefix(text, "tls://"); ok {
		e.Address, e.TLS = address, new(TLS)
	}
	host := e.Address
	if strings.HasPrefix(text, "ws://") || strings.HasPrefix(text, "wss://") {
		u, err := url.Parse(text)
		if err != nil {
			return Endpoint{}, fmt.Errorf("%q is not an address: %w", text, err)
		}
		e, host = Endpoint{Transport: WebSocket, Address: text}, u.Host
		if u.Scheme == "wss" {
			e.TLS = new(TLS)
		}
	}
	if _, port, err := net.SplitHostPort(host); err != nil || port == "" {
		return Endpoint{}, fmt.Errorf("%q is not an address; write HOST:PORT, tls://HOST:PORT, unix:PATH, ws://HOST:PORT or wss://HOST:PORT", text)
	}
	return e, nil
}

// String returns the endpoint as Parse reads it.
func (e Endpoint) String() string {
	switch {
	case e.Transport == Unix:
		return "unix:" + e.Address
	case e.Transport == TCP && e.TLS != nil:
		return "tls://" + e.Address
	}
	return e.Address
}

// Kind names the transport for people: that of TCP with TLS is tls, and that of a
// WebSocket with TLS is wss.
func (e Endpoint) Kind() string {
	switch {
	case e.TLS == nil:
		return e.Transport
	case e.Transport == WebSocket:
		return "wss"
	}
	return "tls"
}

// IsStream reports whether the transport carries bytes rather than messages.
func (e Endpoint) IsStream() bool { return e.Transport != WebSocket }
