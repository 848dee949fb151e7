package server

import (
	"io"
	"net"
	"sync"
	"time"
)

const (
	// smallRead is the size in bytes of the read buffer that every connection
	// has; it is what an idle connection costs besides its goroutine.
	smallRead = 512
	// largeRead is the size of the buffers lent to connections that send more
	// at once.
	largeRead = 16 << 10
	// lingerTimeout is how long a connection that is refused may take to read
	// why. Closing with unread input would make the kernel reset the
	// connection, and its peer might never see the reply.
	lingerTimeout = time.Second
	// lingerBytes is how much input is dropped meanwhile.
	lingerBytes = 1 << 20
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

	replying bool // a WebSocket reply is being written
}

// halfCloser is a connection whose directions can be closed one by one, as
// those of TCP and unix sockets can.
type halfCloser interface {
	CloseRead() error
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
		x.server.log.Warn("refused a connection: too many are open", "addr", shown, "limit", x.server.config.Core.MaxConnections)
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

// serveStream serves a connection of a stream transport to its end. What it
// and pump keep on the stack while they wait for input is what an idle
// connection costs: a goroutine of 2 KiB instead of 4.
func (x *session) serveStream() {
	if x.open() {
		x.release(x.pump())
	} else {
		x.send(x.conn, x.server.core.Refusal(nil))
		x.linger()
	}
	x.conn.Close()
	x.server.finish(x)
}

// pump reads, executes and answers until the stream ends, which is nil, or
// fails.
func (x *session) pump() error {
	n, err := 0, error(nil)
	for err == nil {
		if x.server.config.IdleTimeout > 0 {
			x.conn.SetReadDeadline(time.Now().Add(x.server.config.IdleTimeout))
		}
		if n < smallRead {
			n, err = x.conn.Read(x.small[:])
			err = x.receive(x.small[:n], err)
		} else { // there is probably more
			large := readBuffers.Get().(*[largeRead]byte)
			n, err = x.conn.Read(large[:])
			err = x.receive(large[:n], err)
			readBuffers.Put(large)
		}
	}
	if err == io.EOF {
		return nil
	}
	return err
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
	}
	return readErr
}

// putOut takes a buffer back, unless a large reply made it large.
func putOut(out *[]byte) {
	if cap(*out) <= 2*outputBatch {
		outBuffers.Put(out)
	}
}

// send writes all of out within the write timeout.
func (x *session) send(conn net.Conn, out []byte) error {
	if len(out) == 0 {
		return nil
	}
	if timeout := x.server.config.WriteTimeout; timeout > 0 {
		conn.SetWriteDeadline(time.Now().Add(timeout))
	}
	if len(out) >= largeReply {
		x.server.pending.add(x, len(out))
		defer x.server.pending.remove(x)
	}
	_, err := conn.Write(out)
	return err
}

// stopReading makes the stream end for the server once it has read what has
// arrived. A connection that cannot do that is closed.
func (x *session) stopReading() {
	conn := x.conn
	if g, ok := conn.(*guard); ok {
		conn = g.Conn
	}
	if half, ok := conn.(halfCloser); ok {
		half.CloseRead()
	} else {
		x.drop(ErrClosed)
	}
}

// linger ends the stream for the client and waits until the client has ended
// its own, up to lingerTimeout.
func (x *session) linger() {
	half, ok := x.conn.(halfCloser)
	if !ok || half.CloseWrite() != nil {
		return
	}
	x.conn.SetReadDeadline(time.Now().Add(lingerTimeout))
	io.CopyN(io.Discard, x.conn, lingerBytes)
}
