package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// errEndOfStream is what a guard reads at the end of the stream. The WebSocket
// library gives io.EOF both for the end of a message and for a stream that ends
// inside one; the second must not be taken for the first, or the torn line
// would be executed (LINE-7).
var errEndOfStream = errors.New("the stream has ended")

// closeFrame is the first byte of the frame that ends a WebSocket.
const closeFrame = 0x88

// guard stands between the WebSocket library and the socket. The library
// answers a close frame, and closes after an error, on its own; the guard
// releases the locks before either can reach the client (END-5).
type guard struct {
	net.Conn
	session *session
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if err == io.EOF {
		err = errEndOfStream
	}
	return n, err
}

// Write sends what the library has flushed, which begins with a frame unless it
// is the rest of a large one; only frames that the library sends on its own can
// be close frames, and those come alone.
func (g *guard) Write(p []byte) (int, error) {
	if len(p) > 0 && p[0] == closeFrame && !g.session.replying {
		g.session.release(errEndOfStream)
	}
	if err := g.session.send(g.Conn, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (g *guard) Close() error {
	g.session.release(net.ErrClosed)
	return g.Conn.Close()
}

// hijacker hands the connection of an HTTP request over behind a guard.
type hijacker struct {
	http.ResponseWriter
	session *session
}

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	conn = &guard{conn, h.session}
	if !h.session.server.attach(h.session, conn) {
		conn.Close()
		return nil, nil, ErrClosed
	}
	rw.Writer.Reset(conn)
	return conn, rw, nil
}
