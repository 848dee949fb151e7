package sockets

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lockd/server"
	"lockd/server/core"
	"lockd/sim/transport"
)

// Local is a server in this process, on real sockets. It reports when the server has
// closed its side of a connection.
type Local struct {
	server   *server.Server
	endpoint transport.Endpoint
	driver   Driver
	served   chan error
	dir      string // of the unix socket

	dialling sync.Mutex // connections are accepted in the order in which they are dialled
	dialled  int

	mu       sync.Mutex
	accepted int
	ends     []chan struct{} // by number; closed when the server has closed its side
}

// Start starts a server on a free port, or on a new unix socket.
func Start(driver Driver) (*Local, error) {
	l := &Local{served: make(chan error, 1), driver: driver}
	l.server = server.New(server.Config{
		Core:   core.Config{Dump: true, Registry: true},
		Loops:  driver.Loops,
		Closed: l.closed,
	})
	var listener net.Listener
	var err error
	if driver.Transport == transport.Unix {
		if l.dir, err = os.MkdirTemp("", "lockd"); err == nil {
			listener, err = server.ListenUnix(filepath.Join(l.dir, "s"), 0o600)
		}
	} else {
		listener, err = server.ListenTCP("127.0.0.1", 0, time.Minute, time.Minute)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start a server: %w", err)
	}
	l.endpoint = transport.Endpoint{Transport: driver.Transport, Address: listener.Addr().String()}
	serve := l.server.Serve
	if driver.Transport == transport.WebSocket {
		l.endpoint.Address = "ws://" + l.endpoint.Address + "/"
		serve = l.server.ServeWebSocket
	}
	if driver.Loops == 0 || driver.Transport == transport.WebSocket {
		listener = watchedListener{listener, l}
	}
	go func() { l.served <- serve(listener) }()
	return l, nil
}

// patience is how long a server may take for anything.
const patience = 20 * time.Second

// Stop shuts the server down and returns an error if it leaves connections or locks
// behind.
func (l *Local) Stop() error {
	defer os.RemoveAll(l.dir)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := l.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	if conns, locks := l.server.Held(); conns != 0 || locks != 0 {
		return fmt.Errorf("the server has shut down and left %d connections and %d locks", conns, locks)
	}
	select {
	case <-l.served:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the server has shut down, and Serve does not return")
	}
}

// end returns the channel that is closed when the server has closed a connection.
func (l *Local) end(number int) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.ends) <= number {
		l.ends = append(l.ends, make(chan struct{}))
	}
	return l.ends[number]
}

// closed notes that a loop has closed a connection. Loops number them in the order
// in which they were accepted, from 1.
func (l *Local) closed(id core.ID) {
	if l.driver.Loops > 0 && l.driver.Transport != transport.WebSocket {
		close(l.end(int(id) - 1))
	}
}

// watchedListener is a listener whose connections report when they are closed. It is
// for connections that no loop serves, and numbers them as they are accepted: the
// server numbers WebSockets after their handshakes, in any order.
type watchedListener struct {
	net.Listener
	local *Local
}

func (l watchedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.local.mu.Lock()
	number := l.local.accepted
	l.local.accepted++
	l.local.mu.Unlock()
	return &watched{socket: c.(socket), closed: l.local.end(number)}, nil
}

// socket is a connection on a real socket.
type socket interface {
	net.Conn
	CloseWrite() error
}

// watched is the server's side of a connection.
type watched struct {
	socket
	once   sync.Once
	closed chan struct{}
}

func (w *watched) Close() error {
	err := w.socket.Close()
	w.once.Do(func() { close(w.closed) })
	return err
}
