package loop

import (
	"syscall"

	"lockd/server/core"
)

const (
	// acceptsPerTurn is how many connections a loop accepts from a listener in one
	// turn.
	acceptsPerTurn = 64
	// Pauses after a failed accept, such as one for lack of descriptors (EMFILE, ENFILE), during
	// which the kernel would report the listener all the time.
	firstPause = 5 * core.Millisecond
	maxPause   = core.Second
)

// listener is a listening descriptor.
type listener struct {
	fd    FD
	token uint64
	retry core.Time // when it is watched again; Never while it is watched
	pause core.Time // the last one; 0 after a successful accept
}

// Listen makes a loop accept connections from a non-blocking listening descriptor. The
// descriptor belongs to the loop, which closes it when it stops. Listen may be called
// from any goroutine.
func (l *Loop) Listen(fd FD) {
	l.post(func() {
		if l.stopping {
			l.kernel.Close(fd)
			return
		}
		s := &listener{fd: fd}
		s.token = l.slots.add(s)
		l.listeners = append(l.listeners, s)
	})
}

// resume watches listeners whose pause is over.
func (l *Loop) resume() {
	for _, s := range l.listeners {
		if s.retry > l.now {
			continue
		}
		s.retry = core.Never
		if errno := l.kernel.Watch(s.fd, Readable, s.token); errno != 0 {
			l.pause(s, errno)
		}
	}
}

// pause stops watching a listener for some time.
func (l *Loop) pause(s *listener, why syscall.Errno) {
	s.pause = min(max(2*s.pause, firstPause), maxPause)
	s.retry = l.now + s.pause
	l.kernel.Unwatch(s.fd)
	l.observer.NotAccepted(why, s.pause)
}

// accept accepts connections from the queue of a listener. Core admits them in the
// order of the queue.
func (l *Loop) accept(s *listener) {
	for range acceptsPerTurn {
		fd, peer, errno := l.kernel.Accept(s.fd)
		switch errno {
		case 0:
			s.pause = 0
			l.admit(fd, peer)
		case syscall.EINTR, syscall.ECONNABORTED:
		case syscall.EAGAIN:
			return
		default:
			l.pause(s, errno)
			return
		}
	}
}

// admit announces a connection to Core, and gives it to one of the loops.
func (l *Loop) admit(fd FD, peer core.Peer) {
	to := l.others[l.next%len(l.others)]
	c := newConn(to, fd)
	if to != l {
		c.wait().peer = peer
	}
	id, refusal := l.hub.Open(l.now, peer, c, l.inbox, &l.fx)
	l.deliver()
	if id == 0 {
		l.observer.Refused(peer)
		c.loop = l
		l.refuse(c, refusal)
		return
	}
	l.next++
	if to == l {
		l.attach(c, peer)
	}
}
