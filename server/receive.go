package server

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"lockd/server/core"
	"lockd/server/life"
)

const (
	// largePause is how long a silent connection may keep a lent buffer.
	largePause = 10 * core.Millisecond
	// lookPause is the time for reading what is there, if look is not supported.
	lookPause = 10 * core.Millisecond
	// brokenPause is the interval of checks whether a connection that waits for a
	// reply is broken, since nothing is read meanwhile.
	brokenPause = time.Second
)

// prepare sets the read deadline of the connection, and handles requests of other
// goroutines. It returns false if the step is then no longer the next one.
func (x *session) prepare(step life.Step, deadline core.Time) bool {
	if deadline != x.readBy {
		x.conn.SetReadDeadline(x.server.clock.deadline(deadline))
		x.readBy = deadline
	}
	was := x.life.Stopping()
	x.handleRequests()
	// If stopping has just begun, it has moved the deadline.
	return x.life.Step() == step && x.life.Stopping() == was
}

// handleRequests handles the requests of other goroutines.
func (x *session) handleRequests() {
	if x.dropped.Load() {
		x.life.Drop()
	}
	if x.stopping.Load() {
		x.life.Stop(x.server.clock.now())
	}
	if x.inbox.Some() {
		x.server.hub.Collect(x.inbox)
		x.deliverInbox()
	}
}

// await waits for a reply, unless the connection breaks.
func (x *session) await() {
	x.account(true)
	x.readAhead()
	var look <-chan time.Time
	socket, ok := socketOf(x.conn).(syscall.Conn)
	if ok {
		every := time.NewTicker(brokenPause)
		defer every.Stop()
		look = every.C
	}
	for x.life.Step() == life.Wait {
		select {
		case <-x.woken:
			x.readBy = unknown
			x.handleRequests()
		case <-look:
			if broken(socket) {
				x.life.Ended(life.Failed)
			}
		}
	}
}

// socketOf returns what a connection sends and receives with: below TLS, if it has that.
func socketOf(conn net.Conn) net.Conn {
	if t, ok := conn.(*tls.Conn); ok {
		return t.NetConn().(*handshake).Conn
	}
	return conn
}

// readAhead reads while a connection waits for a lock, since its client may end the
// stream (WAIT-6): until its buffers are full, which holds back what the client sends
// (WAIT-9).
func (x *session) readAhead() {
	for x.ws == nil && x.life.Step() == life.Wait && x.life.Queued() {
		free := x.room()
		if len(free) == 0 {
			return
		}
		if !x.prepare(life.Wait, core.Never) {
			continue
		}
		n, err := x.conn.Read(free)
		if n > 0 {
			x.input = x.input[:len(x.input)+n]
			x.life.Received(n)
			x.account(true)
		}
		switch {
		case err == io.EOF:
			x.endOfStream()
		case err != nil:
			x.failed(err)
		}
	}
}

// room returns the unused part of the buffer of input, which is first moved to the
// beginning; a full buffer is replaced by a large one, once.
func (x *session) room() []byte {
	buf := x.small[:]
	if x.large == nil && len(x.input) == len(buf) {
		x.large = largeBuffers.Get().(*[largeRead]byte)
	}
	if x.large != nil {
		buf = x.large[:]
	}
	n := copy(buf, x.input)
	x.input = buf[:n]
	return buf[n:]
}

// endOfStream tells Core that the client has ended its stream while it waited for a lock.
// The end is read again once all is executed.
func (x *session) endOfStream() {
	fx := effects.Get().(*core.Effects)
	defer effects.Put(fx)
	x.server.hub.EndOfStream(x.server.clock.now(), x.id(), x.inbox, fx)
	x.deliverInbox()
}

// receive reads once, and waits until the deadline. After the deadline it still reads
// what is there, which the net package would not: a busy server must not take a client
// for a silent one, and a server that stops answers what it has received (END-8).
func (x *session) receive(step life.Step, buf []byte) (int, error) {
	n, err := x.conn.Read(buf)
	if !errors.Is(err, os.ErrDeadlineExceeded) || x.server.clock.now() < x.life.Deadline() {
		return n, err
	}
	if socket, ok := x.conn.(syscall.Conn); ok {
		if n, err = look(socket, buf); !errors.Is(err, errors.ErrUnsupported) {
			return n, err
		}
	}
	if !x.prepare(step, x.server.clock.now()+lookPause) {
		return 0, os.ErrDeadlineExceeded
	}
	return x.conn.Read(buf)
}

// failed reports to the life that a read or a write failed.
func (x *session) failed(err error) {
	now := x.server.clock.now()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.readBy = unknown // it may have been an interrupt
		x.life.Expire(now)
	case x.dropped.Load():
		x.life.Drop()
	case err == io.EOF:
		x.life.Ended(life.Finished)
	default:
		x.life.Ended(life.Failed)
	}
}

// read reads once. A connection that sends much is lent a large buffer, which it
// returns when it is silent.
func (x *session) read(step life.Step) {
	buf, deadline := x.small[:], x.life.Deadline()
	if x.more {
		x.large = largeBuffers.Get().(*[largeRead]byte)
		buf, deadline = x.large[:], min(deadline, x.server.clock.now()+largePause)
	}
	n, err := 0, error(nil)
	if x.prepare(step, deadline) {
		n, err = x.receive(step, buf)
	}
	x.more = n == len(buf)
	switch {
	case n == 0:
		if err != nil {
			x.failed(err)
		}
	case step == life.Discard:
		x.life.Discarded(x.server.clock.now())
	default:
		x.life.Received(n)
		x.input = buf[:n]
	}
	x.tidy()
}
