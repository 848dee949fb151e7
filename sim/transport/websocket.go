package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// Messages is a client's WebSocket. Its methods are those of the library's
// connection, and safe for the same concurrent use.
type Messages struct {
	*websocket.Conn
	Socket net.Conn // below the WebSocket; TLS, if there is that
}

// HTTPError is the answer of a server that does not accept a WebSocket handshake.
type HTTPError struct {
	Code   int
	Status string // the code and its text
}

// Error implements error.
func (e *HTTPError) Error() string {
	return "it answers the WebSocket handshake with HTTP status " + e.Status
}

// OwnOrigin is the origin of a page of the server itself, which is at a ws or wss URL.
func OwnOrigin(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("%q is not a URL: %w", address, err)
	}
	return strings.Replace(u.Scheme, "ws", "http", 1) + "://" + u.Host, nil
}

// DialWebSocket is DialMessages to a ws or wss URL.
func DialWebSocket(ctx context.Context, address, origin string) (*Messages, error) {
	return DialMessages(ctx, Endpoint{Transport: WebSocket, Address: address}, origin)
}

// DialMessages connects to a WebSocket. origin is that of the page that the client claims
// to be on; empty is none, as of a client that is not a browser. Messages of any length
// are read. The error is an *HTTPError if the server refuses.
func DialMessages(ctx context.Context, e Endpoint, origin string) (*Messages, error) {
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	m := &Messages{}
	dial := func(security *TLS) func(ctx context.Context, network, addr string) (net.Conn, error) {
		return func(ctx context.Context, network, addr string) (net.Conn, error) {
			socket, err := DialSocket(ctx, Endpoint{network, addr, security}, nil)
			m.Socket = socket
			return socket, err
		}
	}
	security := e.TLS
	if security == nil {
		security = new(TLS)
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       dial(nil),
		DialTLSContext:    dial(security),
	}}
	ws, response, err := websocket.Dial(ctx, e.Address, &websocket.DialOptions{HTTPClient: client, HTTPHeader: header})
	if err != nil {
		if response != nil {
			err = &HTTPError{response.StatusCode, response.Status}
		}
		return nil, err
	}
	ws.SetReadLimit(-1)
	m.Conn = ws
	return m, nil
}

// HalfClose sends a close frame and does not wait for the answer, at which a concurrent
// Read ends.
func (m *Messages) HalfClose(timeout time.Duration) error {
	maskedClose := []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8} // status 1000
	m.Socket.SetWriteDeadline(time.Now().Add(timeout))
	_, err := m.Socket.Write(maskedClose)
	return err
}

// Reset closes the socket so that the server sees a reset.
func (m *Messages) Reset() error {
	err := Reset(m.Socket)
	m.CloseNow()
	return err
}

// Reset closes a socket; the peer of a TCP connection sees a reset.
func Reset(socket net.Conn) error {
	if secure, ok := socket.(*tls.Conn); ok {
		socket = secure.NetConn() // without the end of TLS's stream
	}
	if tcp, ok := socket.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	return socket.Close()
}
