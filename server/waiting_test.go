package server

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"lockd/server/core"
)

// The tests of this file are about waiting for locks, on all drivers.

// standing makes a connection wait for a lock, and waits until it does.
func standing(t *testing.T, s *Server, c wireConn, lines string) {
	t.Helper()
	before := s.executed()
	if err := c.write([]byte(lines)); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the wait", func() bool { return s.executed() > before })
}

// reads checks what a connection reads.
func reads(t *testing.T, c wireConn, want string) {
	t.Helper()
	if got, err := c.read(len(want)); err != nil || string(got) != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// both returns a stream and a WebSocket of a server, and a holder of the lock x.
func both(t *testing.T, config Config) (s *Server, holder net.Conn, clients []wireConn) {
	s = New(config)
	streamAddr, webAddr := serveBoth(t, s)
	holder = connect(t, streamAddr)
	ask(t, holder, "g x\n", "1 Lock Get Success: x\n")
	return s, holder, []wireConn{mustDial(t)(dialStream("tcp", streamAddr)), mustDial(t)(dialWebSocket(webAddr))}
}

// TestHandOn hands a lock from a stream to a WebSocket and back, many times.
func TestHandOn(t *testing.T) { onDrivers(t, testHandOn) }

func testHandOn(t *testing.T) {
	s, holder, clients := both(t, Config{Loops: loopsOf(t)})
	const again, got, released = "r x\nw 60000 g x\n", "1 Lock Get Success: x\n", "1 Lock Release Success: x\n"
	stream, web := clients[0], clients[1]
	standing(t, s, stream, "w 60000 g x\n")
	standing(t, s, web, "w 60000 g x\n")
	ask(t, holder, "r x\n", released)
	want := got // of the WebSocket, whose messages are answered as a whole
	for range 200 {
		reads(t, stream, got)
		if err := stream.write([]byte(again)); err != nil {
			t.Fatal(err)
		}
		reads(t, stream, released)
		reads(t, web, want)
		if err := web.write([]byte(again)); err != nil {
			t.Fatal(err)
		}
		want = released + got
	}
}

// TestMuchBehindAWait checks that what is sent behind a wait is bounded in memory, and
// executed completely when the wait is over: WAIT-9, WAIT-5.
func TestMuchBehindAWait(t *testing.T) { quietly(t, testMuchBehindAWait) }

func testMuchBehindAWait(t *testing.T) {
	s, holder, clients := both(t, Config{Loops: loopsOf(t)})
	const lines = 300_000
	behind := strings.Repeat("i nobodys\n", lines)
	for _, c := range clients {
		standing(t, s, c, "w 60000 g x\n")
		sent := make(chan error, 1)
		go func() { sent <- c.write([]byte(behind + "r x\n")) }()
		time.Sleep(50 * time.Millisecond)
		if kept := s.hub.Waiting.Bytes(); kept > 100_000 {
			t.Errorf("%d bytes are kept behind a wait", kept)
		}
		ask(t, holder, "r x\n", "1 Lock Release Success: x\n")
		reads(t, c, "1 Lock Get Success: x\n")
		answered := make(chan error, 1)
		go func() {
			var all bytes.Buffer
			want := lines*len("0 Lock Not Locked: nobodys\n") + len("1 Lock Release Success: x\n")
			for all.Len() < want {
				data, err := c.read(min(1000, want-all.Len()))
				if err != nil {
					answered <- err
					return
				}
				all.Write(data)
			}
			if n := strings.Count(all.String(), "0 Lock Not Locked: nobodys\n"); n != lines || !strings.HasSuffix(all.String(), "\n1 Lock Release Success: x\n") {
				answered <- fmt.Errorf("%d of %d lines are answered, the last is %q", n, lines, all.String()[all.Len()-40:])
				return
			}
			answered <- nil
		}()
		if err := <-answered; err != nil {
			t.Error(err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		ask(t, holder, "g x\n", "1 Lock Get Success: x\n")
	}
	waitUntil(t, "an empty account", func() bool { return s.hub.Waiting.Bytes() == 0 })
}

// TestStopWhileQueued checks that a server that stops cancels waits, executes what stands
// behind them, and grants none: WAIT-7. It says nothing of another wait behind: the lock
// is granted to that if the holder has been given up by then (see TestStopCancels of
// package core).
func TestStopWhileQueued(t *testing.T) { onDrivers(t, testStopWhileQueued) }

func testStopWhileQueued(t *testing.T) {
	s, holder, clients := both(t, Config{Loops: loopsOf(t)})
	for _, c := range clients {
		standing(t, s, c, "w 60000 g x\ni nobodys\n")
	}
	stopped := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		stopped <- s.Shutdown(ctx)
	}()
	for _, c := range clients {
		reads(t, c, "0 Wait Cancelled: x\n0 Lock Not Locked: nobodys\n")
		go c.end()
	}
	holder.Close() // the server lingers for it
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestIdleWhileQueued checks that a connection that waits is not idle, and that its idle
// time begins when its wait ends.
func TestIdleWhileQueued(t *testing.T) { quietly(t, testIdleWhileQueued) }

func testIdleWhileQueued(t *testing.T) {
	const idle = time.Second // a busy machine may keep the holder from speaking for a while
	s, holder, clients := both(t, Config{Loops: loopsOf(t), IdleTimeout: idle})
	for _, c := range clients {
		standing(t, s, c, "w 60000 g x\n")
	}
	for range 25 { // the holder is not idle
		time.Sleep(idle / 20)
		ask(t, holder, "i x\n", "1 Lock Is Locked: x\n")
	}
	granted := time.Now() // or later
	ask(t, holder, "r x\n", "1 Lock Release Success: x\n")
	reads(t, clients[0], "1 Lock Get Success: x\n")
	reads(t, clients[1], "1 Lock Get Success: x\n") // when the first was idle for too long
	if took := time.Since(granted); took < idle {
		t.Errorf("the first that was granted the lock was idle for %v, and lost it", took)
	}
}

// TestEndWhileQueued checks that the end of a client is seen while it waits, and behind
// what it has sent, and that a reset is: WAIT-6.
func TestEndWhileQueued(t *testing.T) { onDrivers(t, testEndWhileQueued) }

func testEndWhileQueued(t *testing.T) {
	for name, leave := range map[string]func(wireConn){
		"close": func(c wireConn) { c.close() },
		"reset": reset,
	} {
		s, holder, clients := both(t, Config{Loops: loopsOf(t)})
		executed := s.executed()
		for _, c := range clients {
			standing(t, s, c, "w 60000 g x\ni x\ng y\nr y\n"+strings.Repeat("i x\n", 50))
			leave(c)
		}
		if executed += 2 * 54; name == "close" {
			waitUntil(t, "what was sent behind the waits", func() bool { return s.executed() >= executed })
		}
		waitUntil(t, "the end of both after a "+name, func() bool { conns, _ := s.Held(); return conns == 1 })
		ask(t, holder, "i x\ni y\n", "1 Lock Is Locked: x\n0 Lock Not Locked: y\n")
		s.Close()
	}
}

// TestKillWhileBusy checks that a connection that is killed ends, whatever it does:
// KILL-1.
func TestKillWhileBusy(t *testing.T) { quietly(t, testKillWhileBusy) }

func testKillWhileBusy(t *testing.T) {
	for name, lines := range map[string]string{
		"waits":          "w 60000 g x\n",
		"does not read":  strings.Repeat("i x\n", 400_000),
		"sends behind":   "w 60000 g x\n" + strings.Repeat("i x\n", 400_000),
		"is quiet":       "",
		"half of a line": "g hal",
	} {
		s, holder, clients := both(t, Config{Core: core.Config{Kill: true, Dump: true}, Loops: loopsOf(t)})
		for _, c := range clients {
			go c.write([]byte(lines)) // which may block
		}
		waitUntil(t, "the connections", func() bool { conns, _ := s.Held(); return conns == 3 })
		time.Sleep(20 * time.Millisecond)
		ask(t, holder, "k 2\nk 3\nlw\n", "1 Killed: 2\n1 Killed: 3\n1 Waiters: \n")
		for i, c := range clients {
			for {
				if _, err := c.read(1); err != nil {
					break
				}
				if name != "does not read" && (i == 0 || strings.HasPrefix(lines, "w")) {
					t.Fatalf("%s: a connection that was killed is answered", name)
				}
			}
		}
		waitUntil(t, "the ends", func() bool { conns, _ := s.Held(); return conns == 1 })
		s.Close()
	}
}

// TestPingWhileQueued checks that a WebSocket answers pings while it waits, and that its
// close frame cancels the wait, also one that came with the wait: WS-5.
func TestPingWhileQueued(t *testing.T) {
	s, holder, clients := both(t, Config{})
	web := clients[1].(*wsConn)
	standing(t, s, web, "w 60000 g x\n")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	reading := make(chan string)
	go func() {
		kind, data, err := web.Read(ctx)
		reading <- fmt.Sprint(kind == websocket.MessageBinary, string(data), err)
	}()
	if err := web.Ping(ctx); err != nil {
		t.Error(err)
	}
	ask(t, holder, "r x\n", "1 Lock Release Success: x\n")
	if got := <-reading; got != "true1 Lock Get Success: x\n<nil>" {
		t.Errorf("got %q", got)
	}
	raw := connect(t, web.remote)
	ask(t, raw, upgradeRequest, "HTTP/1.1 101 ")
	before := s.executed()
	message := "w 60000 g x\nw 9 g x\ng y\n"
	frames := append([]byte{0x82, 0x80 | byte(len(message)), 0, 0, 0, 0}, message...)
	if _, err := raw.Write(append(frames, 0x88, 0x80, 0, 0, 0, 0)); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the commands", func() bool { return s.executed() >= before+3 })
	raw.SetDeadline(time.Now().Add(patience))
	var got bytes.Buffer
	got.ReadFrom(raw)
	if want := "0 Wait Cancelled: x\n0 Wait Cancelled: x\n1 Lock Get Success: y\n"; !strings.Contains(got.String(), want) {
		t.Errorf("got %q, want %q in it", got.String(), want)
	}
}
