package kernel

import (
	"syscall"

	"lockd/server/loop"
)

// readTCP is tcp_recvmsg. The order of its checks matters: the end of the stream comes
// before an error, and that before the end made by a reset.
func (s *socket) readTCP(p []byte) (int, syscall.Errno) {
	if s.in.n > 0 {
		n := s.in.take(p)
		s.peer.push()
		return n, 0
	}
	if s.done {
		return 0, 0
	}
	if err := s.takeError(); err != 0 {
		return 0, err
	}
	if s.shut&receiving != 0 {
		return 0, 0
	}
	return 0, syscall.EAGAIN
}

// writeTCP is tcp_sendmsg. It can send only in these two states; an unreported error
// comes before EPIPE.
func (s *socket) writeTCP(p []byte) (int, syscall.Errno) {
	if s.state != established && s.state != closeWait {
		if err := s.takeError(); err != 0 {
			return 0, err
		}
		return 0, syscall.EPIPE
	}
	if len(p) == 0 {
		return 0, 0
	}
	if s.peer.dead { // taken, and answered by a reset
		s.peer.vanish()
		s.reset()
		return len(p), 0
	}
	n := min(len(p), s.roomTCP())
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	direct := 0
	if s.out.n == 0 {
		direct = min(n, s.peer.inLimit-s.peer.in.n)
		s.peer.in.put(p[:direct])
	}
	if direct < n {
		s.out.put(p[direct:n])
	}
	return n, 0
}

func (s *socket) roomTCP() int {
	room := s.outLimit - s.out.n
	if s.out.n == 0 {
		room += s.peer.inLimit - s.peer.in.n
	}
	return room
}

// push sends bytes that wait for room at the peer, and FIN after them.
func (s *socket) push() {
	if s.out.n > 0 {
		s.out.move(&s.peer.in, min(s.out.n, s.peer.inLimit-s.peer.in.n))
	}
	if s.out.n > 0 || !s.fin || s.acked || s.state == closed {
		return
	}
	s.acked = true
	s.peer.receiveFIN()
	if s.state == closing || s.state == lastAck {
		s.finish()
	}
}

// receiveFIN is tcp_fin.
func (s *socket) receiveFIN() {
	s.shut |= receiving
	s.done = true
	switch {
	case s.state == established:
		s.state = closeWait
	case s.acked:
		s.finish()
	default:
		s.state = closing
	}
}

// finish is tcp_done.
func (s *socket) finish() {
	s.state = closed
	s.shut = both
}

// reset is tcp_reset, when RST arrives. Bytes received before can still be read. It is
// never called for a closed socket: both ends become closed at once.
func (s *socket) reset() {
	switch s.state {
	case closeWait:
		s.err = syscall.EPIPE
	default:
		s.err = syscall.ECONNRESET
	}
	s.out.clear()
	s.finish()
}

// vanish ends a socket without notifying the peer.
func (s *socket) vanish() {
	s.out.clear()
	s.finish()
}

// shutdownTCP is inet_shutdown for sending.
func (s *socket) shutdownTCP() syscall.Errno {
	s.shut |= sending
	switch s.state {
	case closed:
		return syscall.ENOTCONN
	case established:
		s.state = finWait
	case closeWait:
		s.state = lastAck
	default:
		return 0
	}
	s.fin = true
	s.push()
	return 0
}

// closeTCP is tcp_close. Bytes sent before still arrive, and the peer may read them long
// after, unless this end has unread bytes from the peer.
func (s *socket) closeTCP() {
	if s.in.n > 0 {
		s.abortTCP()
		return
	}
	s.dead = true
	s.shutdownTCP()
}

// abortTCP is tcp_close with SO_LINGER 0, or with unread data: RST instead of
// FIN.
func (s *socket) abortTCP() {
	s.dead = true
	s.in.clear()
	if s.state != closed {
		s.vanish()
		s.peer.reset()
	}
}

// pollTCP is tcp_poll.
func (s *socket) pollTCP() (r loop.Ready) {
	if s.shut == both || s.state == closed {
		r |= loop.Hangup
	}
	if s.in.n > 0 || s.shut&receiving != 0 {
		r |= loop.Readable
	}
	if s.shut&receiving != 0 {
		r |= loop.PeerEnded
	}
	if s.shut&sending != 0 || s.wideTCP() {
		r |= loop.Writable
	}
	if s.err != 0 {
		r |= loop.Error
	}
	return r
}

// wideTCP is sk_stream_is_writeable: a third of the buffer must be free for Writable,
// although smaller writes would succeed.
func (s *socket) wideTCP() bool {
	free := s.outLimit - s.out.n
	return free > 0 && free >= s.out.n/2
}
