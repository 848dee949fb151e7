package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// handshakeTimeout is how long a client may take for the handshake of TLS.
const handshakeTimeout = 10 * time.Second

// The answers to clients that do not speak TLS. Like all refusals the first begins with 0,
// so that no client takes it for a lock.
const (
	tlsRequired   = "0 TLS Required\n"
	httpsRequired = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nthis port speaks TLS; ask for https:// or wss://\n"
)

// handshake is what is below TLS. While the handshake is made, only one of all computes at a
// time, which takes a millisecond, and the others wait for that: a flood of them would
// else stand before all other goroutines. It is used by one goroutine then.
type handshake struct {
	net.Conn
	computing *sync.Mutex // nil: the handshake is over
	computes  bool
}

func newHandshake(below net.Conn, computing *sync.Mutex) *handshake {
	return &handshake{Conn: below, computing: computing}
}

// Read implements net.Conn.
func (h *handshake) Read(b []byte) (int, error) {
	if h.computing == nil {
		return h.Conn.Read(b)
	}
	h.pause()
	defer h.compute()
	return h.Conn.Read(b)
}

// Write implements net.Conn.
func (h *handshake) Write(b []byte) (int, error) {
	if h.computing == nil {
		return h.Conn.Write(b)
	}
	h.pause()
	defer h.compute()
	return h.Conn.Write(b)
}

func (h *handshake) compute() {
	h.computing.Lock()
	h.computes = true
}

func (h *handshake) pause() {
	if h.computes {
		h.computing.Unlock()
		h.computes = false
	}
}

// over ends the handshake.
func (h *handshake) over() {
	h.pause()
	h.computing = nil
}

// shakeHands makes a handshake, until it takes too long or the server stops. If it fails, it
// closes the connection; refusal is the answer to a client that does not speak TLS.
func (s *Server) shakeHands(h *handshake, conn *tls.Conn, refusal string) bool {
	ctx, cancel := context.WithTimeout(s.context, handshakeTimeout)
	err := conn.HandshakeContext(ctx)
	cancel()
	h.over()
	s.handshakes.remove(conn)
	if err == nil {
		return true
	}
	s.log.handshakeFailed(h.RemoteAddr().String(), err)
	var other tls.RecordHeaderError
	if errors.As(err, &other) && other.Conn != nil {
		h.SetWriteDeadline(time.Now().Add(time.Second))
		io.WriteString(h, refusal)
	}
	h.Close()
	return false
}

// secured is a listener for package net/http, whose connections have made the handshake.
type secured struct {
	net.Listener
	server *Server
	config *tls.Config
	ready  chan net.Conn
	over   chan struct{} // closed when the listener is
	err    error         // why, then
}

func (s *Server) secure(l net.Listener, config *tls.Config) net.Listener {
	x := &secured{Listener: l, server: s, config: config, ready: make(chan net.Conn), over: make(chan struct{})}
	go x.acceptAll()
	return x
}

// acceptAll makes handshakes until the listener is closed.
func (x *secured) acceptAll() {
	for {
		nc, err := x.Listener.Accept()
		if err != nil {
			x.err = err
			close(x.over)
			return
		}
		h := newHandshake(nc, &x.server.computing)
		conn := tls.Server(h, x.config)
		x.server.handshakes.add(conn)
		go func() {
			if !x.server.shakeHands(h, conn, httpsRequired) {
				return
			}
			select {
			case x.ready <- conn:
			case <-x.over:
				nc.Close()
			}
		}()
	}
}

// Accept implements net.Listener.
func (x *secured) Accept() (net.Conn, error) {
	select {
	case c := <-x.ready:
		return c, nil
	case <-x.over:
		return nil, x.err
	}
}
