package server

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"lockd/server/core"
	"lockd/server/life"
)

// TestGuardReportsActivity checks that all input on a WebSocket counts as activity, and
// that the server lingers for a client that keeps sending after the end.
func TestGuardReportsActivity(t *testing.T) {
	for _, lingering := range []bool{false, true} {
		near, far := net.Pipe()
		s := New(Config{IdleTimeout: time.Minute})
		x, now := newSession(s, near), s.clock.now()
		x.life = life.Admitted(now, &s.limits)
		if lingering {
			x.life.Stop(now)
			x.life.Ended(life.Dropped)
			x.life.Released()
			x.life.StreamEnded(now, true)
		}
		before := x.life.Deadline()
		go func() {
			time.Sleep(time.Millisecond)
			io.WriteString(far, "x")
		}()
		if _, err := (&guard{Conn: near, session: x}).Read(make([]byte, 8)); err != nil || x.life.Deadline() <= before {
			t.Errorf("lingering %v: %v, and the deadline moved by %d", lingering, err, x.life.Deadline()-before)
		}
		near.Close()
		far.Close()
	}
}

// TestLingerAfterCloseFrame checks that a server that stops does not close a WebSocket
// directly after its close frame: unread input would reset it, and lose replies.
func TestLingerAfterCloseFrame(t *testing.T) {
	t.Parallel()
	p := newWebSocketPeer(t, core.Config{}).(*live)
	p.open(1)
	c := connect(t, p.conns[1].(*wsConn).remote)
	ask(t, c, upgradeRequest, "HTTP/1.1 101 ")
	waitUntil(t, "the handshake", func() bool { return p.connections() == 2 })
	started := time.Now()
	go p.server.Shutdown(t.Context())
	got, err := io.ReadAll(c) // and never answers the close frame
	took := time.Since(started)
	if err != nil || !bytes.HasSuffix(got, []byte{0x88, 2, 3, 0xe9}) || took < time.Second {
		t.Errorf("got %q, %v after %v", got, err, took)
	}
}

// TestLingerAfterForeign checks that a WebSocket with another protocol that does not
// answer the close frame is closed after one second (BAD-7), and not the five of the
// library.
func TestLingerAfterForeign(t *testing.T) {
	t.Parallel()
	p := newWebSocketPeer(t, core.Config{}).(*live)
	p.open(1)
	c := connect(t, p.conns[1].(*wsConn).remote)
	ask(t, c, upgradeRequest, "HTTP/1.1 101 ")
	started := time.Now()
	io.WriteString(c, "\x81\x8f\x00\x00\x00\x00GET / HTTP/1.1\n")
	got, err := io.ReadAll(c)
	took := time.Since(started)
	if err != nil || !bytes.Contains(got, []byte("0 HTTP Not Supported\n")) || took < 900*time.Millisecond || took > 4*time.Second {
		t.Errorf("got %q, %v after %v", got, err, took)
	}
}
