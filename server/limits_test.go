package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestWriteTimeout checks that a client that never reads loses its locks, and
// that others are served meanwhile (BAD-6).
func TestWriteTimeout(t *testing.T) {
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
func TestIdleTimeout(t *testing.T) {
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

// TestPendingLimit checks that clients that ask for dumps and do not read them
// are dropped, the one that has waited longest first.
func TestPendingLimit(t *testing.T) {
	var p pending
	s := New(Config{})
	sessions := make([]*session, 5)
	closed := make([]bool, 5)
	for i := range sessions {
		sessions[i] = &session{server: s, conn: closer{closed: &closed[i]}}
		p.add(sessions[i], pendingLimit/4)
	}
	if fmt.Sprint(closed) != "[true false false false false]" {
		t.Errorf("closed %v", closed)
	}
	p.remove(sessions[0])
	p.remove(sessions[2])
	p.add(sessions[2], pendingLimit/4)
	p.add(sessions[0], 2*pendingLimit)
	if fmt.Sprint(closed) != "[true true true true true]" {
		t.Errorf("closed %v", closed)
	}
	for _, x := range sessions {
		p.remove(x)
	}
	if p.bytes != 0 || len(p.replies) != 0 {
		t.Errorf("%d bytes are left", p.bytes)
	}
}

// closer is a connection that notes that it was closed.
type closer struct {
	net.Conn
	closed *bool
}

func (c closer) Close() error { *c.closed = true; return nil }

// TestOutputBatch checks that Core stops when it has made enough replies, and
// loses nothing (REPLY-1): a name of 60 KB and many short commands must not take
// memory without bound.
func TestOutputBatch(t *testing.T) {
	core := NewCore(CoreConfig{Registry: true})
	id, _ := core.Open("a")
	name := strings.Repeat("n", 60_000)
	core.Receive(id, []byte("iam "+name+"\n"), nil)
	data := bytes.Repeat([]byte("me\n"), 100)
	replies := 0
	for len(data) > 0 {
		r := core.Receive(id, data, nil)
		if len(r.Out) > 2*outputBatch {
			t.Fatalf("%d bytes of replies at once", len(r.Out))
		}
		replies += bytes.Count(r.Out, []byte("\n"))
		data = r.Rest
	}
	if replies != 100 {
		t.Errorf("%d replies, not 100", replies)
	}
}

// TestEndlessLine checks that a line without end takes no more memory than the
// limit.
func TestEndlessLine(t *testing.T) {
	core := NewCore(CoreConfig{MaxLine: 1000})
	id, _ := core.Open("a")
	piece := bytes.Repeat([]byte("x"), 700)
	replies := 0
	for range 1000 {
		replies += bytes.Count(core.Receive(id, piece, nil).Out, []byte("\n"))
	}
	if replies != 1 {
		t.Errorf("%d replies to one line", replies)
	}
	r := core.Receive(id, []byte("\ng x\n"), nil)
	if string(r.Out) != "1 Lock Get Success: x\n" {
		t.Errorf("got %q after the line", r.Out)
	}
}

// TestSilentConnections opens connections that say nothing; others are served.
func TestSilentConnections(t *testing.T) {
	const silent = 2000
	s, addr := start(t, Config{})
	for range silent {
		connect(t, addr)
	}
	c := connect(t, addr)
	ask(t, c, "g job\n", "1 Lock Get Success: job\n")
	waitUntil(t, "all to be accepted", func() bool { n, _ := s.Held(); return n == silent+1 })
}
