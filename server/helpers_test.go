package server

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"lockd/wire"
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
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// executed returns how many commands the server has executed.
func (s *Server) executed() (commands uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for op := wire.Unknown; op < wire.Ops; op++ {
		commands += s.core.figures.Commands[op]
	}
	return commands
}

// start serves TCP and returns the address.
func start(t *testing.T, config Config) (*Server, string) {
	t.Helper()
	l, err := ListenTCP("127.0.0.1", 0, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
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
