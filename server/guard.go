package server

import (
	"bufio"
	"errors"
	"net"
	"net/http"

	"lockd/server/life"
)

// errEndOfStream is what a guard reads when the connection has ended. The
// WebSocket library gives io.EOF both for the end of a message and for a stream
// that ends inside one; the second must not be taken for the first, or the torn
// line would be executed (LINE-7).
var errEndOfStream = errors.New("the stream has ended")

// closeFrame is the first byte of the frame that ends a WebSocket.
const closeFrame = 0x88

// guard stands between the WebSocket library and the socket, and lets the life
// of the connection take its steps there. The library answers a close frame, and
// closes after an error, on its own; the guard releases the locks before either
// can reach the client (END-5).
type guard struct {
	net.Conn
	session *session
}

// Read is where silence is measured, pings and pieces of messages counting as
// something said, and where a server that stops ends the stream once it has read
// what was received.
func (g *guard) Read(p []byte) (int, error) {
	x := g.session
	for {
		step := x.life.Step()
		if step != life.Read && step != life.Discard {
			return 0, errEndOfStream
		}
		ready := x.prepare(step, x.life.Deadline())
		x.tell()
		if !ready {
			continue
		}
		n, err := x.receive(step, p)
		switch {
		case n == 0 && err != nil:
			x.failed(err)
		case step == life.Discard:
			x.life.Discarded(x.server.clock.now())
			return n, nil
		default:
			x.life.Heard(x.server.clock.now(), n)
			return n, nil
		}
	}
}

// Write sends what the library has flushed. While no reply is being written that
// begins with a frame, and a close frame comes alone. A reply is flushed in pieces
// that begin with any byte; nothing of it is left in the library's buffer to come
// before a close frame, since its batches (64 KiB) are larger than that buffer
// (4 KiB) and its last frame is flushed.
func (g *guard) Write(p []byte) (int, error) {
	x := g.session
	if len(p) > 0 && p[0] == closeFrame && !x.replying {
		x.end(life.Finished)
	}
	written := 0
	for written < len(p) {
		x.life.Owe(x.server.clock.now())
		n, err := x.write(g.Conn, p[written:])
		written += n
		x.life.Wrote(x.server.clock.now(), n, written < len(p))
		x.account(n > 0)
		if err != nil {
			x.failed(err)
			return written, err
		}
	}
	return written, nil
}

// Close releases the locks and closes the socket.
func (g *guard) Close() error {
	g.session.end(life.Failed)
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
	if !h.session.server.attach(h.session, conn) {
		conn.Close()
		return nil, nil, ErrClosed
	}
	guarded := &guard{conn, h.session}
	rw.Writer.Reset(guarded)
	return guarded, rw, nil
}
