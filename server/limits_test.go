package server

import (
	"io"
	"testing"
	"time"
)

// TestWriteTimeout checks that a client that never reads loses its locks, and
// that others are served meanwhile (BAD-6).
func TestWriteTimeout(t *testing.T) { atOnce(t, testWriteTimeout) }

func testWriteTimeout(t *testing.T) {
	s, addr := start(t, Config{WriteTimeout: 300 * time.Millisecond})
	unread, other := connect(t, addr), connect(t, addr)
	ask(t, unread, "g x\n", "1 Lock Get Success: x\n")
	go io.Copy(unread, endless("q\n"))
	ask(t, other, "g other\ni x\n", "1 Lock Get Success: other\n1 Lock Is Locked: x\n")
	waitUntil(t, "the client that does not read to be dropped", func() bool { n, _ := s.Held(); return n == 1 })
	ask(t, other, "g x\n", "1 Lock Get Success: x\n")
}

// TestIdleTimeout checks that with an idle timeout a silent connection ends, and no
// other.
func TestIdleTimeout(t *testing.T) { quietly(t, testIdleTimeout) }

func testIdleTimeout(t *testing.T) {
	s, addr := start(t, Config{IdleTimeout: time.Second})
	silent, active := connect(t, addr), connect(t, addr)
	ask(t, silent, "g silent\n", "1 Lock Get Success: silent\n")
	for range 25 {
		time.Sleep(50 * time.Millisecond)
		ask(t, active, "g active\n", "1 Lock Get Success: active\n")
	}
	if rest, err := io.ReadAll(silent); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
	if n, locks := s.Held(); n != 1 || locks != 1 {
		t.Errorf("%d connections hold %d locks", n, locks)
	}
}

// TestSilentConnections checks that many silent connections do not keep the server from
// serving others.
func TestSilentConnections(t *testing.T) { onDrivers(t, testSilentConnections) }

func testSilentConnections(t *testing.T) {
	const silent = 2000
	s, addr := start(t, Config{})
	for range silent {
		connect(t, addr)
	}
	c := connect(t, addr)
	ask(t, c, "g job\n", "1 Lock Get Success: job\n")
	waitUntil(t, "all to be accepted", func() bool { n, _ := s.Held(); return n == silent+1 })
}
