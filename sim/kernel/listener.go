package kernel

import (
	"slices"
	"syscall"

	"lockd/server/core"
	"lockd/server/loop"
)

// Listen opens a listener, on network "tcp" or "unix".
func (m *Machine) Listen(network string) loop.FD {
	if network != "tcp" && network != "unix" {
		panic("kernel: no network " + network)
	}
	return m.install(file{listener: &listener{tcp: network == "tcp"}})
}

// Queued returns how many connections are in the queue of a listener.
func (m *Machine) Queued(fd loop.FD) int {
	if l := m.file(fd).listener; l != nil {
		return len(l.queue)
	}
	return 0
}

// Dial connects a client to a listener. Accept returns peer for it, or core.Unix on a
// unix socket. Dial returns false if there is no such listener, or if its queue is full.
func (m *Machine) Dial(fd loop.FD, peer core.Peer) (*End, bool) {
	l := m.file(fd).listener
	if l == nil || len(l.queue) >= m.backlog {
		return nil, false
	}
	server, client := newPair(l.tcp, m.buffers)
	server.from = peer
	if !l.tcp {
		server.from = core.Peer{Transport: core.Unix}
	}
	l.queue = append(l.queue, server)
	return &End{s: client}, true
}

// accept takes the oldest connection of a listener.
func (m *Machine) accept(fd loop.FD) (loop.FD, core.Peer, syscall.Errno) {
	f := m.file(fd)
	if f.listener == nil {
		m.accuse("Accept on something that is not a listener", fd)
		if f.socket != nil {
			return -1, core.Peer{}, syscall.EINVAL
		}
		return -1, core.Peer{}, syscall.EBADF
	}
	s := f.listener.take()
	if s == nil {
		return -1, core.Peer{}, syscall.EAGAIN
	}
	s.fd = m.install(file{socket: s})
	return s.fd, s.from, 0
}

// listener is a listening socket.
type listener struct {
	tcp   bool
	queue []*socket
}

func (l *listener) poll() loop.Ready {
	if len(l.queue) > 0 {
		return loop.Readable
	}
	return 0
}

func (l *listener) take() *socket {
	if len(l.queue) == 0 {
		return nil
	}
	s := l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	return s
}

// close is inet_csk_listen_stop, and unix_release_sock for a listener.
func (l *listener) close() {
	for _, s := range l.queue {
		s.abort()
	}
	l.queue = nil
}
