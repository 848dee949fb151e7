package kernel

import (
	"syscall"

	"lockd/server/loop"
)

// Bytes written to a unix socket are in the peer's queue at once, and count against the
// writer's buffer until they are read there.

// readUnix is unix_stream_read_generic.
func (s *socket) readUnix(p []byte) (int, syscall.Errno) {
	if s.in.n > 0 {
		return s.in.take(p), 0
	}
	if err := s.takeError(); err != 0 {
		return 0, err
	}
	if s.shut&receiving != 0 {
		return 0, 0
	}
	return 0, syscall.EAGAIN
}

// writeUnix is unix_stream_sendmsg. It leaves the error for a read.
func (s *socket) writeUnix(p []byte) (int, syscall.Errno) {
	if s.shut&sending != 0 {
		return 0, syscall.EPIPE
	}
	if len(p) == 0 {
		return 0, 0
	}
	n := min(len(p), s.roomUnix())
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	s.peer.in.put(p[:n])
	return n, 0
}

func (s *socket) roomUnix() int { return s.outLimit - s.peer.in.n }

// shutdownUnix is unix_shutdown for sending.
func (s *socket) shutdownUnix() {
	s.shut |= sending
	s.peer.shut |= receiving
}

// closeUnix is unix_release_sock. The peer fails if bytes from it were not read, or if
// the connection was never accepted.
func (s *socket) closeUnix(embryo bool) {
	s.dead = true
	if !s.peer.dead {
		s.peer.shut = both
		if s.in.n > 0 || embryo {
			s.peer.err = syscall.ECONNRESET
		}
	}
	s.in.clear()
}

// pollUnix is unix_poll. It returns Writable also after the end.
func (s *socket) pollUnix() (r loop.Ready) {
	if s.shut == both {
		r |= loop.Hangup
	}
	if s.in.n > 0 || s.shut&receiving != 0 {
		r |= loop.Readable
	}
	if s.shut&receiving != 0 {
		r |= loop.PeerEnded
	}
	if s.wideUnix() {
		r |= loop.Writable
	}
	if s.err != 0 {
		r |= loop.Error
	}
	return r
}

// wideUnix is unix_writable: three quarters of the buffer must be free.
func (s *socket) wideUnix() bool { return 4*s.peer.in.n <= s.outLimit }
