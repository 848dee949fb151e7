package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"

	"lockd/server/life"
)

// errEndOfStream is the error of a guard's Read when the connection has ended. The
// WebSocket library returns io.EOF both for the end of a message and for a stream
// that ends inside one; the second must not be taken for the first, or the torn
// line would be executed (LINE-7).
var errEndOfStream = errors.New("the stream has ended")

// closeFrame is the first byte of the frame that ends a WebSocket.
const closeFrame = 0x88

// guard is the connection between the WebSocket library and the socket, where it takes
// the steps of the connection's life. The library answers close frames, and closes
// after an error, on its own; the guard releases the locks before the client can see
// either (END-5).
type guard struct {
	net.Conn
	session *session
	frames  frames
}

// Read applies the idle timeout, for which pings and pieces of messages count as
// activity. When the server stops, it ends the stream once it has read what was
// received. It goes on with the messages behind a wait for a lock when that is over, and
// cancels the wait as soon as the client has ended the stream (WAIT-6, WS-5).
func (g *guard) Read(p []byte) (int, error) {
	x := g.session
	for {
		if x.life.Step() != life.Discard {
			if err := x.run(); err != nil {
				return 0, err
			}
		}
		step := x.life.Step()
		if step != life.Read && step != life.Discard && step != life.Wait {
			return 0, errEndOfStream
		}
		ready := x.prepare(step, x.life.Deadline())
		x.deliverOutputs()
		if !ready {
			continue
		}
		n, err := x.receive(step, p)
		if err == io.EOF && step == life.Wait {
			x.endOfStream()
			continue // to read the end again, once all is answered
		}
		switch {
		case n == 0 && err != nil:
			x.failed(err)
		case step == life.Discard:
			x.life.Discarded(x.server.clock.now())
			return n, nil
		default:
			x.life.Heard(x.server.clock.now(), n)
			return n, g.arrived(p[:n])
		}
	}
}

// arrived looks for a close frame in what the client has sent.
func (g *guard) arrived(data []byte) error {
	if g.frames.closed {
		return nil
	}
	if g.frames.follow(data); !g.frames.closed {
		return nil
	}
	g.session.endOfStream()
	return g.session.run()
}

// Write sends what the library flushes. Outside of a reply this begins with a frame,
// and a close frame comes alone. A reply is flushed in pieces that may begin with any
// byte; none of it remains in the library's buffer to precede a close frame, since its
// batches (64 KiB) are larger than that buffer (4 KiB) and its last frame is flushed.
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

// hijacker wraps the hijacked connection of an HTTP request in a guard.
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
	guarded := &guard{Conn: conn, session: h.session}
	early, _ := rw.Reader.Peek(rw.Reader.Buffered()) // which Read does not see
	guarded.frames.follow(early)
	h.session.ended = guarded.frames.closed
	rw.Writer.Reset(guarded)
	return guarded, rw, nil
}
