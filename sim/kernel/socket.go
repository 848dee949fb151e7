package kernel

import (
	"syscall"

	"lockd/server/core"
	"lockd/server/loop"
)

// socket is one end of a connection. Its behaviour is in tcp.go and unix.go; the fields
// are named after those of Linux.
type socket struct {
	tcp  bool
	peer *socket

	in, out           queue // received and not yet read; sent without room at the peer (TCP)
	inLimit, outLimit int

	state state         // of TCP
	shut  direction     // closed directions (sk_shutdown)
	err   syscall.Errno // to be reported once (sk_err)
	done  bool          // the peer's FIN has been received (SOCK_DONE)
	fin   bool          // FIN is to be sent, after the bytes in out
	acked bool          // FIN has been received by the peer
	dead  bool          // closed by its owner (SOCK_DEAD)

	ended bool      // its owner has ended or closed its stream
	fd    loop.FD   // -1 if it is in no descriptor table
	from  core.Peer // on the server's side: the client
}

type direction uint8

const (
	receiving direction = 1 << iota
	sending
	both = receiving | sending
)

// state is the state of a TCP connection, as far as the ends can distinguish states.
type state uint8

const (
	established state = iota
	closeWait         // the peer has ended its stream
	finWait           // this end has ended its stream
	closing           // both have, this end first; the peer has not received FIN yet
	lastAck           // both have, the peer first; it has not received FIN yet
	closed
)

func newPair(tcp bool, b Buffers) (server, client *socket) {
	server = &socket{tcp: tcp, inLimit: b.ServerReceive, outLimit: b.ServerSend, fd: -1}
	client = &socket{tcp: tcp, inLimit: b.ClientReceive, outLimit: b.ClientSend, fd: -1}
	server.peer, client.peer = client, server
	return server, client
}

func (s *socket) read(p []byte) (int, syscall.Errno) {
	if s.tcp {
		return s.readTCP(p)
	}
	return s.readUnix(p)
}

func (s *socket) write(p []byte) (int, syscall.Errno) {
	if s.tcp {
		return s.writeTCP(p)
	}
	return s.writeUnix(p)
}

func (s *socket) closeWrite() syscall.Errno {
	s.ended = true
	if s.tcp {
		return s.shutdownTCP()
	}
	s.shutdownUnix()
	return 0
}

func (s *socket) close() {
	s.ended = true
	if s.tcp {
		s.closeTCP()
	} else {
		s.closeUnix(false)
	}
}

// abort closes one end so that the other fails.
func (s *socket) abort() {
	s.ended = true
	if s.tcp {
		s.abortTCP()
	} else {
		s.closeUnix(true)
	}
}

func (s *socket) poll() loop.Ready {
	if s.tcp {
		return s.pollTCP()
	}
	return s.pollUnix()
}

// room returns how many bytes a write could take, if the socket may write at all.
func (s *socket) room() int {
	if s.tcp {
		return s.roomTCP()
	}
	return s.roomUnix()
}

// writable reports whether a write would take any bytes.
func (s *socket) writable() bool {
	return s.shut&sending == 0 && !s.peer.dead && s.room() > 0
}

// takeError returns and clears the unreported error (sock_error).
func (s *socket) takeError() syscall.Errno {
	err := s.err
	s.err = 0
	return err
}
