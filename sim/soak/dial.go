package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// The transports of a server.
const (
	TCP       = "tcp"
	Unix      = "unix"
	WebSocket = "websocket"
)

// Target is where a server listens.
type Target struct {
	Transport string
	Addr      string // host:port, or the path of a socket
}

// ParseTarget reads HOST:PORT, tcp:HOST:PORT, unix:PATH or ws://HOST:PORT.
func ParseTarget(text string) (Target, error) {
	t := Target{TCP, strings.TrimPrefix(text, "tcp:")}
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if path == "" {
			return t, fmt.Errorf("%q names no socket; write unix:PATH", text)
		}
		return Target{Unix, path}, nil
	}
	if rest, ok := strings.CutPrefix(text, "ws://"); ok {
		t = Target{WebSocket, strings.TrimSuffix(rest, "/")}
	}
	if _, port, err := net.SplitHostPort(t.Addr); err != nil || port == "" {
		return t, fmt.Errorf("%q is no address; write HOST:PORT, unix:PATH or ws://HOST:PORT", text)
	}
	return t, nil
}

func (t Target) String() string {
	switch t.Transport {
	case Unix:
		return "unix:" + t.Addr
	case WebSocket:
		return "ws://" + t.Addr
	}
	return t.Addr
}

// dialTimeout is how long a server may take to accept a connection.
const dialTimeout = 5 * time.Second

// link is a client's connection.
type link struct {
	net.Conn
	socket net.Conn        // what carries it, to be reset
	ended  <-chan struct{} // closed when the server has closed its side; nil if nobody knows
	shake  func() error    // the close handshake of a WebSocket
}

// dial connects to a server.
func (t Target) dial() (*link, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	network := "tcp"
	if t.Transport == Unix {
		network = "unix"
	}
	c, err := new(net.Dialer).DialContext(ctx, network, t.Addr)
	if err != nil {
		return nil, err
	}
	if t.Transport != WebSocket {
		return &link{Conn: c, socket: c}, nil
	}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }}
	ws, _, err := websocket.Dial(ctx, "ws://"+t.Addr, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		c.Close()
		return nil, err
	}
	ws.SetReadLimit(-1)
	m := &messages{Conn: c, ws: ws}
	return &link{Conn: m, socket: c, shake: func() error { return ws.Close(websocket.StatusNormalClosure, "") }}, nil
}

// CloseWrite implements workload.Conn.
func (l *link) CloseWrite() error {
	if l.shake != nil {
		return l.shake()
	}
	return l.socket.(interface{ CloseWrite() error }).CloseWrite()
}

// Reset implements workload.Conn.
func (l *link) Reset() error {
	if tcp, ok := l.socket.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	return l.socket.Close()
}

// messages turns a WebSocket into a stream: every write is a message, messages
// that come are joined.
type messages struct {
	net.Conn
	ws   *websocket.Conn
	left bytes.Reader
}

func (m *messages) Write(p []byte) (int, error) {
	if err := m.ws.Write(context.Background(), websocket.MessageText, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (m *messages) Read(p []byte) (int, error) {
	for m.left.Len() == 0 {
		_, data, err := m.ws.Read(context.Background())
		if err != nil {
			var closed websocket.CloseError
			if errors.As(err, &closed) {
				return 0, io.EOF
			}
			return 0, err
		}
		m.left.Reset(data)
	}
	return m.left.Read(p)
}
