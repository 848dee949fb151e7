package transport

import (
	"context"
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
	Socket net.Conn // below the WebSocket
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

// DialWebSocket connects to a ws or wss URL. origin is that of the page that the client
// claims to be on; empty is none, as of a client that is not a browser. Messages of any
// length are read. The error is an *HTTPError if the server refuses.
func DialWebSocket(ctx context.Context, address, origin string) (*Messages, error) {
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	m := &Messages{}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			socket, err := new(net.Dialer).DialContext(ctx, network, addr)
			m.Socket = socket
			return socket, err
		},
	}}
	ws, response, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: client, HTTPHeader: header})
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
	if tcp, ok := socket.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	return socket.Close()
}
