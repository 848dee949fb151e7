package server

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// smallRead is the size in bytes of the read buffer that every connection
	// has; it is what an idle connection costs besides its goroutine.
	smallRead = 512
	// largeRead is the size of the buffers lent to connections that send more
	// at once.
	largeRead = 16 << 10
	// lingerTimeout is the silence after which a connection that the server has
	// ended is closed. Closing with unread input would make the kernel reset
	// it, and its peer might never see the last replies.
	lingerTimeout = time.Second
	// lingerLimit is how long a client that goes on sending is waited for.
	lingerLimit = 10 * time.Second
	// drainPause is the silence after which a server that stops takes it that
	// all that was received has been read, and drainTime is how long it reads
	// from a client that is never silent (END-8).
	drainPause = 20 * time.Millisecond
	drainTime  = 200 * time.Millisecond
	// writePiece is how many bytes are written within one write timeout, so
	// that a client that reads a large reply steadily is not dropped.
	writePiece = 256 << 10
	// refusalPause is the least time between two warnings of refused
	// connections: whoever causes them must not fill the log.
	refusalPause = time.Minute
)

// Buffers are lent for as long as they are in use, so that idle connections
// have none.
var (
	readBuffers = sync.Pool{New: func() any { return new([largeRead]byte) }}
	outBuffers  = sync.Pool{New: func() any { return new([]byte) }}
)

// session is one accepted connection of any transport.
type session struct {
	server *Server
	conn   net.Conn // a *guard for a WebSocket
	id     ID       // 0 before open and after release; guarded by Server.mu
	small  [smallRead]byte

	stopping atomic.Bool // the server stops: read what was received, no more
	// Of a WebSocket, for its own goroutine:
	replying bool // a reply is being written
	closing  bool // the close handshake has begun; reads have its deadline
}

// halfCloser is a connection whose sending side can be closed alone, as that of
// TCP and unix sockets can.
type halfCloser interface {
	CloseWrite() error
}

// open announces the connection to Core; false if that refuses it (BAD-4).
func (x *session) open() bool {
	addr := x.conn.RemoteAddr()
	shown := addr.String()
	if addr.Network() == "unix" {
		shown = "unix"
	}
	x.server.mu.Lock()
	id, ok := x.server.core.Open(shown)
	x.id = id
	x.server.mu.Unlock()
	if !ok {
		x.server.warnRefusal(shown)
		return false
	}
	if x.server.verbose {
		x.server.log.Debug("connected", "conn", id, "addr", shown)
	}
	return true
}

// apply gives bytes of the connection to Core. After release that does nothing.
func (x *session) apply(data, out []byte) Result {
	x.server.mu.Lock()
	r := x.server.core.Receive(x.id, data, out)
	x.server.mu.Unlock()
	return r
}

// release ends the connection in Core, which releases its locks. It must come
// before the client can see the end of the stream (END-5). Only the first call
// does anything; any goroutine may make it.
func (x *session) release(why error) {
	x.server.mu.Lock()
	id := x.id
	orphans := x.server.core.Close(id)
	x.id = 0
	x.server.mu.Unlock()
	if id != 0 && x.server.verbose {
		x.server.log.Debug("disconnected", "conn", id, "orphans", orphans.Exclusive, "shared_orphans", orphans.Shared, "why", why)
	}
}

// drop ends the connection from another goroutine: locks first, then the
// socket.
func (x *session) drop(why error) {
	x.release(why)
	x.conn.Close()
}

// serveStream serves a connection of a stream transport to its end. It and pump
// keep little on the stack, so that a connection that has said nothing costs a
// goroutine of 2 KiB; the first command makes it 4.
func (x *session) serveStream() {
	if x.open() {
		x.release(x.pump())
		if x.stopping.Load() {
			x.linger(lingerLimit)
		}
	} else {
		x.send(x.conn, x.server.core.Refusal(nil))
		x.linger(lingerTimeout)
	}
	x.conn.Close()
	x.server.finish(x)
}

// pump reads, executes and answers until the stream ends, which is nil, or
// fails, or the server stops.
func (x *session) pump() error {
	n, err := 0, error(nil)
	for err == nil {
		if x.server.config.IdleTimeout > 0 {
			x.conn.SetReadDeadline(time.Now().Add(x.server.config.IdleTimeout))
		}
		if x.stopping.Load() {
			return x.drain()
		}
		if n < smallRead {
			n, err = x.conn.Read(x.small[:])
			err = x.receive(x.small[:n], err)
		} else { // there is probably more
			n, err = x.readLarge()
		}
	}
	switch {
	case err == io.EOF:
		return nil
	case x.stopping.Load() && errors.Is(err, os.ErrDeadlineExceeded):
		return x.drain()
	}
	return err
}

// readLarge reads once into a buffer that is lent, and answers what came.
func (x *session) readLarge() (int, error) {
	large := readBuffers.Get().(*[largeRead]byte)
	defer readBuffers.Put(large)
	n, err := x.conn.Read(large[:])
	return n, x.receive(large[:n], err)
}

// drain answers what was received before the server began to stop (END-8).
func (x *session) drain() error {
	for end := time.Now().Add(drainTime); time.Now().Before(end); {
		x.conn.SetReadDeadline(time.Now().Add(drainPause))
		if _, err := x.readLarge(); err != nil {
			if err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded) {
				return nil
			}
			return err
		}
	}
	return nil
}

// receive executes the lines that data ends, and sends the replies: one write
// for all of them, or for each outputBatch (REPLY-5). It returns the error of
// that, else the one that came with the data.
func (x *session) receive(data []byte, readErr error) error {
	if len(data) == 0 {
		return readErr
	}
	out := outBuffers.Get().(*[]byte)
	defer putOut(out)
	for len(data) > 0 {
		r := x.apply(data, (*out)[:0])
		*out = r.Out
		if err := x.send(x.conn, r.Out); err != nil {
			return err
		}
		data = r.Rest
		if cap(*out) > 2*outputBatch {
			*out = nil // a large reply is not kept while the next is written
		}
	}
	return readErr
}

// putOut takes a buffer back, unless a large reply made it large.
func putOut(out *[]byte) {
	if cap(*out) <= 2*outputBatch {
		outBuffers.Put(out)
	}
}

// send writes all of out; each piece of it within the write timeout.
func (x *session) send(conn net.Conn, out []byte) error {
	if len(out) >= largeReply {
		x.server.pending.add(x, len(out))
		defer x.server.pending.remove(x)
	}
	for len(out) > 0 {
		if timeout := x.server.config.WriteTimeout; timeout > 0 {
			conn.SetWriteDeadline(time.Now().Add(timeout))
		}
		n, err := conn.Write(out[:min(len(out), writePiece)])
		if err != nil {
			return err
		}
		out = out[n:]
	}
	return nil
}

// stop makes the session read what has been received, and no more.
func (x *session) stop() {
	x.stopping.Store(true)
	x.conn.SetReadDeadline(time.Now())
}

// linger ends the stream for the client and drops its input until the client has
// ended its own stream, says nothing more, or the limit has passed.
func (x *session) linger(limit time.Duration) {
	half, ok := x.conn.(halfCloser)
	if !ok || half.CloseWrite() != nil {
		return
	}
	large := readBuffers.Get().(*[largeRead]byte)
	defer readBuffers.Put(large)
	for end := time.Now().Add(limit); time.Now().Before(end); {
		x.conn.SetReadDeadline(time.Now().Add(lingerTimeout))
		if _, err := x.conn.Read(large[:]); err != nil {
			return
		}
	}
}
