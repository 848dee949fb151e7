package server

import (
	"io"
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
