package server

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"lockd/server/core"
)

// endless is a stream that repeats a text forever.
func endless(text string) io.Reader { return &repeater{text: text} }

type repeater struct {
	text string
	at   int
}

func (r *repeater) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
	}
	return len(p), nil
}

// waitUntil waits for a condition, with patience.
func waitUntil(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// executed returns how many commands the server has executed.
func (s *Server) executed() uint64 { return s.hub.Commands() }

// driven is the driver that serves the connections of a test.
var driven sync.Map // *testing.T to the number of loops

func loopsOf(t *testing.T) int {
	n, _ := driven.Load(t)
	loops, _ := n.(int)
	return loops
}

// drivers returns all drivers, as numbers of loops; 0 is goroutines.
func drivers() []int {
	if LoopsSupported {
		return []int{0, 1, 3}
	}
	return []int{0}
}

// onDrivers runs a test with every driver, one after the other.
func onDrivers(t *testing.T, test func(t *testing.T)) {
	eachDriver(t, test, func(*testing.T) {})
}

// atOnce runs a test with all drivers at the same time, beside others of its kind: those
// that mostly wait, and look at nothing that belongs to the whole process.
func atOnce(t *testing.T, test func(t *testing.T)) {
	t.Parallel()
	eachDriver(t, test, (*testing.T).Parallel)
}

// quietly runs a test with all drivers at the same time, and nothing beside: one that keeps
// the machine busy, or must not be kept from speaking for long.
func quietly(t *testing.T, test func(t *testing.T)) {
	eachDriver(t, test, (*testing.T).Parallel)
}

func eachDriver(t *testing.T, test, begin func(t *testing.T)) {
	for _, loops := range drivers() {
		t.Run(fmt.Sprintf("loops=%d", loops), func(t *testing.T) {
			begin(t)
			driven.Store(t, loops)
			defer driven.Delete(t)
			test(t)
		})
	}
}

type newPeer = func(*testing.T, core.Config) peer

func onGoroutines(start newPeer) newPeer { return onLoops(0, start) }

// onLoops makes peers whose server has that number of loops.
func onLoops(loops int, start newPeer) newPeer {
	return func(t *testing.T, c core.Config) peer {
		driven.Store(t, loops)
		t.Cleanup(func() { driven.Delete(t) })
		return start(t, c)
	}
}

// start serves TCP with the driver of the test, and returns the address.
func start(t *testing.T, config Config) (*Server, string) {
	t.Helper()
	l, err := ListenTCP("127.0.0.1", 0, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	config.Loops = loopsOf(t)
	s := New(config)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; !errors.Is(err, ErrClosed) {
			t.Errorf("serving ended with %v", err)
		}
	})
	return s, l.Addr().String()
}

// serveBoth serves TCP and WebSockets until the end of the test, and returns both
// addresses.
func serveBoth(t *testing.T, s *Server) (stream, web string) {
	t.Helper()
	var addrs []string
	for _, serve := range []func(net.Listener) error{s.Serve, s.ServeWebSocket} {
		l, err := ListenTCP("127.0.0.1", 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, l.Addr().String())
		go serve(l)
	}
	t.Cleanup(func() { s.Close() })
	return addrs[0], addrs[1]
}

// mustDial fails the test if there is no connection.
func mustDial(t *testing.T) func(wireConn, error) wireConn {
	return func(c wireConn, err error) wireConn {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.close)
		return c
	}
}

func connect(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

// ask sends lines and expects a reply.
func ask(t *testing.T, c io.ReadWriter, lines, want string) {
	t.Helper()
	if _, err := io.WriteString(c, lines); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); string(got) != want {
		t.Fatalf("asked %q, got %q instead of %q: %v", lines, got[:n], want, err)
	}
}
