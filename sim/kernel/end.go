package kernel

import (
	"syscall"

	"lockd/server/loop"
)

// End is the client's end of a connection. Its calls take effect at once.
type End struct{ s *socket }

// Read reads what has arrived: 0 bytes without error are the end of the stream,
// EAGAIN means that nothing has arrived.
func (e *End) Read(p []byte) (int, syscall.Errno) {
	if e.s.dead {
		return 0, syscall.EBADF
	}
	return e.s.read(p)
}

// Write sends as much as there is room for; EAGAIN means that there is none.
func (e *End) Write(p []byte) (int, syscall.Errno) {
	if e.s.dead {
		return 0, syscall.EBADF
	}
	return e.s.write(p)
}

// CloseWrite ends the stream for the server.
func (e *End) CloseWrite() syscall.Errno {
	if e.s.dead {
		return syscall.EBADF
	}
	return e.s.closeWrite()
}

// Close closes the end. Nothing can be read or written after that.
func (e *End) Close() {
	if !e.s.dead {
		e.s.close()
	}
}

// Reset closes the end as SO_LINGER 0 does: data that has not arrived is lost, and the
// server's end fails. On a unix socket it is Close.
func (e *End) Reset() {
	switch {
	case e.s.dead:
	case e.s.tcp:
		e.s.abort()
	default:
		e.s.close()
	}
}

// Poll returns what the end is ready for.
func (e *End) Poll() loop.Ready {
	if e.s.dead {
		return 0
	}
	return e.s.poll()
}

// Closed reports whether Close or Reset was called.
func (e *End) Closed() bool { return e.s.dead }

// Buffered returns how many bytes have arrived that Read has not taken.
func (e *End) Buffered() int { return e.s.in.n }

// Peek returns what has arrived and what waits for room after it, without removing
// it: all that Read will return if nothing fails.
func (e *End) Peek() []byte {
	return append(e.s.in.appendTo(nil), e.s.peer.out.appendTo(nil)...)
}

// Unsent returns how many written bytes still wait for room at the server. On a unix
// socket it is 0.
func (e *End) Unsent() int { return e.s.out.n }

// Unread returns how many bytes have arrived at the server that it has not read.
func (e *End) Unread() int { return e.s.peer.in.n }

// FD returns the descriptor that the server has for the connection, or -1 before
// it has accepted it and after it has closed it.
func (e *End) FD() loop.FD { return e.s.peer.fd }

// ServerClosed reports whether the server has closed the connection, or the
// listener before it was accepted.
func (e *End) ServerClosed() bool { return e.s.peer.dead }

// ServerEnded reports whether the server has ended its stream, by CloseWrite or by
// closing the connection. Bytes and the end itself may still be under way.
func (e *End) ServerEnded() bool { return e.s.peer.ended }
