package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"lockd/server/core"
)

// TestShutdownAnswers checks END-8: what was received before the end is
// answered, and the locks are released before the stream ends.
func TestShutdownAnswers(t *testing.T) { quietly(t, testShutdownAnswers) }

func testShutdownAnswers(t *testing.T) {
	for name, newPeer := range map[string]newPeer{"tcp": newTCPPeer, "unix": newUnixPeer} {
		loops := loopsOf(t)
		t.Run(name, func(t *testing.T) {
			newPeer := onLoops(loops, newPeer)
			p := newPeer(t, core.Config{}).(*live)
			p.open(1)
			p.open(2)
			p.send(2, []byte("g held\n"), []byte("1 Lock Get Success: held\n"))
			sent := make(chan error, 1)
			go func() { // until the connection is closed
				_, err := io.Copy(p.conns[1].(stream), endless("g job\n"))
				sent <- err
			}()
			one := "1 Lock Get Success: job\n"
			if _, err := p.conns[1].read(len(one)); err != nil {
				t.Fatal(err)
			}
			result := make(chan error, 1)
			go func() { result <- p.server.Shutdown(t.Context()) }()
			rest, err := p.conns[1].read(-1)
			if err != nil {
				t.Errorf("the stream does not end gracefully: %v", err)
			}
			answered := 1 + strings.Count(string(rest), one)
			if len(rest) != (answered-1)*len(one) {
				t.Errorf("got something other than whole replies: %q", rest[max(0, len(rest)-100):])
			}
			if executed := int(p.server.executed()) - 1; executed != answered {
				t.Errorf("%d commands were executed, %d answered", executed, answered)
			}
			if _, locks := p.server.Held(); locks != 0 {
				t.Errorf("%d locks were held at the end of the stream", locks)
			}
			if rest, err := p.conns[2].read(-1); err != nil || len(rest) > 0 {
				t.Errorf("the silent client got %q, %v", rest, err)
			}
			p.conns[2].close()
			p.conns[1].close() // ends the lingering
			if err := <-result; err != nil {
				t.Error(err)
			}
			<-sent
		})
	}
}

// TestShutdownAnswersAllThatArrived checks END-8 for a client that sends nothing after
// the shutdown begins: every command is answered.
func TestShutdownAnswersAllThatArrived(t *testing.T) { atOnce(t, testShutdownAnswersAllThatArrived) }

func testShutdownAnswersAllThatArrived(t *testing.T) {
	gate := new(sync.Mutex)
	l, err := ListenTCP("127.0.0.1", 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Mutex: gate, Loops: loopsOf(t)})
	go s.Serve(l)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	one := "1 Lock Get Success: job\n"
	io.WriteString(c, "g job\n")
	io.ReadFull(c, make([]byte, len(one)))

	gate.Lock() // the server can read, but not execute
	const commands = 5000
	if _, err := c.Write(bytes.Repeat([]byte("g job\n"), commands)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // loopback delivers
	result := make(chan error, 1)
	go func() { result <- s.Shutdown(t.Context()) }()
	for !s.isStopping() {
		time.Sleep(time.Millisecond)
	}
	gate.Unlock()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != strings.Repeat(one, commands) {
		t.Errorf("got %d bytes of %d, %v", len(got), commands*len(one), err)
	}
	c.Close()
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// TestShutdownSteady checks that clients that keep sending commands, slowly or fast, do
// not keep a server from stopping: it answers what it had received (END-8).
func TestShutdownSteady(t *testing.T) { atOnce(t, testShutdownSteady) }

func testShutdownSteady(t *testing.T) {
	s := New(Config{Loops: loopsOf(t)})
	streamAddr, webAddr := serveBoth(t, s)
	var clients sync.WaitGroup
	for _, pause := range []time.Duration{0, 3 * time.Millisecond, 9 * time.Millisecond} {
		for _, c := range []wireConn{mustDial(t)(dialStream("tcp", streamAddr)), mustDial(t)(dialWebSocket(webAddr))} {
			clients.Go(func() {
				defer c.close()
				const want = "0 Lock Not Locked: x\n"
				for c.write([]byte("i x\n")) == nil {
					if got, err := c.read(len(want)); string(got) != want || err != nil {
						return
					}
					time.Sleep(pause)
				}
			})
		}
	}
	waitUntil(t, "all clients", func() bool { conns, _ := s.Held(); return conns == 6 })
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	clients.Wait()
}

// TestShutdownWebSocket checks END-8 on a WebSocket: it ends with a close frame.
func TestShutdownWebSocket(t *testing.T) {
	p := newWebSocketPeer(t, core.Config{}).(*live)
	p.open(1)
	p.send(1, []byte("g job"), []byte("1 Lock Get Success: job\n"))
	result := make(chan error, 1)
	go func() { result <- p.server.Shutdown(t.Context()) }()
	_, _, err := p.conns[1].(*wsConn).Read(t.Context())
	if websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the client saw %v", err)
	}
	if _, locks := p.server.Held(); locks != 0 {
		t.Errorf("%d locks were held at the end of the stream", locks)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// TestShutdownForced checks that a client that does not read cannot delay Shutdown
// beyond the end of its context, and that its locks are released before its connection
// ends.
func TestShutdownForced(t *testing.T) { onDrivers(t, testShutdownForced) }

func testShutdownForced(t *testing.T) {
	p := newTCPPeer(t, core.Config{}).(*live)
	p.open(1)
	c := p.conns[1].(stream)
	go io.Copy(c, endless("q\n"))
	waitUntil(t, "the server to be blocked", func() bool {
		before := p.server.executed()
		time.Sleep(100 * time.Millisecond)
		return before == p.server.executed() && before > 0
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if conns, locks := p.server.Held(); conns+locks > 0 {
		t.Errorf("%d connections and %d locks are left", conns, locks)
	}
}

// TestServeAfterShutdown checks that a closed server accepts no listener.
func TestServeAfterShutdown(t *testing.T) { onDrivers(t, testServeAfterShutdown) }

func testServeAfterShutdown(t *testing.T) {
	s := New(Config{Loops: loopsOf(t)})
	s.Close()
	for _, serve := range []func(net.Listener) error{s.Serve, s.ServeWebSocket} {
		l, err := ListenUnix(filepath.Join(t.TempDir(), "s"), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err := serve(l); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
		if _, err := net.Dial("unix", l.Addr().String()); err == nil {
			t.Error("the listener is open")
		}
	}
}
