package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"
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

// Read is also where silence is measured, pings and pieces of messages counting
// as something said, and where a server that stops ends the stream once it has
// read what was received.
func (g *guard) Read(p []byte) (int, error) {
	x := g.session
	if timeout := x.server.config.IdleTimeout; timeout > 0 && !x.closing {
		g.Conn.SetReadDeadline(time.Now().Add(timeout))
	}
	if x.stopping.Load() && !x.closing {
		g.Conn.SetReadDeadline(time.Now().Add(drainPause))
	}
	n, err := g.Conn.Read(p)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && x.stopping.Load() && !x.closing {
		g.Conn.SetReadDeadline(time.Now().Add(drainPause))
		n, err = g.Conn.Read(p)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = errEndOfStream
		}
	}
	if err == io.EOF {
		err = errEndOfStream
	}
	return n, err
}

// Write sends what the library has flushed. While no reply is being written that
// begins with a frame, and a close frame comes alone. A reply is flushed in pieces
// that begin with any byte; nothing of it is left in the library's buffer to come
// before a close frame, since its batches (outputBatch) are larger than that
// buffer (4 KiB) and its last frame is flushed.
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
