package server

import (
	"context"
	"net"
	"testing"
	"time"

	"lockd/server/core"
)

// TestCloseWhileWaiting checks that a server which drops everything does not wait for
// the reply that a connection waits for, and releases its locks.
func TestCloseWhileWaiting(t *testing.T) { onDrivers(t, testCloseWhileWaiting) }

func testCloseWhileWaiting(t *testing.T) {
	s := New(Config{Core: core.Config{Dump: true, SmallDump: -1}, Loops: loopsOf(t)})
	s.hub.MakeBy(func(*core.Dump) {}) // never made
	var listeners []net.Listener
	for _, serve := range []func(net.Listener) error{s.Serve, s.ServeWebSocket} {
		l, err := ListenTCP("127.0.0.1", 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
		go serve(l)
	}
	stream, err := dialStream("tcp", listeners[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.close()
	web, err := dialWebSocket(listeners[1].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer web.close()
	for _, c := range []wireConn{stream, web} {
		if err := c.write([]byte("sg x\nd\ni x\n")); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, "the commands", func() bool { return s.executed() == 4 })
	closed := make(chan bool)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		s.Shutdown(ctx)
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("the server does not close")
	}
	if conns, locks := s.Held(); conns+locks > 0 {
		t.Errorf("%d connections and %d locks are left", conns, locks)
	}
}
