package server

import (
	"io"
	"testing"
	"time"
)

// TestWriteTimeout checks that a client that never reads loses its locks, and
// that others are served meanwhile (BAD-6).
func TestWriteTimeout(t *testing.T) { onDrivers(t, testWriteTimeout) }

func testWriteTimeout(t *testing.T) {
	s, addr := start(t, Config{WriteTimeout: 300 * time.Millisecond})
	deaf, other := connect(t, addr), connect(t, addr)
	ask(t, deaf, "g deaf\n", "1 Lock Get Success: deaf\n")
	go io.Copy(deaf, endless("q\n"))
	ask(t, other, "g other\ni deaf\n", "1 Lock Get Success: other\n1 Lock Is Locked: deaf\n")
	waitUntil(t, "the deaf client to be dropped", func() bool { n, _ := s.Held(); return n == 1 })
	ask(t, other, "g deaf\n", "1 Lock Get Success: deaf\n")
}

// TestIdleTimeout checks that silence, and only silence, ends a connection when
// that is wanted.
func TestIdleTimeout(t *testing.T) { onDrivers(t, testIdleTimeout) }

func testIdleTimeout(t *testing.T) {
	s, addr := start(t, Config{IdleTimeout: 300 * time.Millisecond})
	silent, talker := connect(t, addr), connect(t, addr)
	ask(t, silent, "g silent\n", "1 Lock Get Success: silent\n")
	for range 10 {
		time.Sleep(50 * time.Millisecond)
		ask(t, talker, "g talker\n", "1 Lock Get Success: talker\n")
	}
	if rest, err := io.ReadAll(silent); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
	if n, locks := s.Held(); n != 1 || locks != 1 {
		t.Errorf("%d connections hold %d locks", n, locks)
	}
}

// TestSilentConnections opens connections that say nothing; others are served.
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
