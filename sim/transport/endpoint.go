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
	Transport string `json:"transport"` // TCP, Unix or WebSocket
	Address   string `json:"address"`   // host:port, a path, or a ws or wss URL
}

// Parse reads HOST:PORT, tcp:HOST:PORT, unix:PATH or ws://HOST:PORT. The error says
// what to write instead.
func Parse(text string) (Endpoint, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if path == "" {
			return Endpoint{}, fmt.Errorf("%q does not name a socket; write unix:PATH", text)
		}
		return Endpoint{Unix, path}, nil
	}
	e := Endpoint{TCP, strings.TrimPrefix(text, "tcp:")}
	host := e.Address
	if strings.HasPrefix(text, "ws://") || strings.HasPrefix(text, "wss://") {
		u, err := url.Parse(text)
		if err != nil {
			return Endpoint{}, fmt.Errorf("%q is not an address: %w", text, err)
		}
		e, host = Endpoint{WebSocket, text}, u.Host
	}
	if _, port, err := net.SplitHostPort(host); err != nil || port == "" {
		return Endpoint{}, fmt.Errorf("%q is not an address; write HOST:PORT, unix:PATH or ws://HOST:PORT", text)
	}
	return e, nil
}

// String returns the endpoint as Parse reads it.
func (e Endpoint) String() string {
	if e.Transport == Unix {
		return "unix:" + e.Address
	}
	return e.Address
}

// IsStream reports whether the transport carries bytes rather than messages.
func (e Endpoint) IsStream() bool { return e.Transport != WebSocket }
