package server

import (
	"errors"
	"net"
	"time"
)

// Pauses after a failed accept, such as one for lack of file descriptors (EMFILE, ENFILE).
const (
	firstAcceptPause = 5 * time.Millisecond
	maxAcceptPause   = time.Second
)

// retrying is a listener whose Accept fails only when it is closed: other errors are
// logged, and Accept tries again after a pause.
type retrying struct {
	net.Listener
	server *Server
}

// Accept implements net.Listener.
func (p retrying) Accept() (net.Conn, error) {
	pause := firstAcceptPause
	for {
		c, err := p.Listener.Accept()
		switch {
		case err == nil:
			return c, nil
		case p.server.isStopping():
			return nil, ErrClosed
		case errors.Is(err, net.ErrClosed):
			return nil, err
		}
		p.server.log.notAccepted(err, pause)
		select {
		case <-p.server.context.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxAcceptPause)
	}
}

// Serve accepts connections of a stream transport, TCP or a unix socket, until
// Shutdown or Close, and then returns ErrClosed. It closes the listener. Failed
// accepts are logged and tried again after a pause.
func (s *Server) Serve(l net.Listener) error {
	if s.config.Loops > 0 {
		if taken, err := s.serveOnLoops(l); taken {
			return err
		}
	}
	return s.acceptAll(l, s.start)
}

// acceptAll starts all connections of a listener, until the end of the Server.
func (s *Server) acceptAll(l net.Listener, start func(net.Conn)) error {
	if !s.addListener(l) {
		return ErrClosed
	}
	defer s.removeListener(l)
	for {
		c, err := retrying{l, s}.Accept()
		if err != nil {
			return err
		}
		start(c)
	}
}

// start admits a stream connection, before the next is accepted, and serves it in
// a goroutine of its own.
func (s *Server) start(nc net.Conn) {
	x := newSession(s, nc)
	if !s.begin(x) {
		nc.Close()
		return
	}
	x.open()
	go x.serve()
}
