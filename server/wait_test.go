package server

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"lockd/server/core"
	"lockd/server/hub"
)

// TestCloseWhileWaiting checks that Close does not wait for the reply that a connection
// waits for, and releases its locks.
func TestCloseWhileWaiting(t *testing.T) { atOnce(t, testCloseWhileWaiting) }

func testCloseWhileWaiting(t *testing.T) {
	s := New(Config{Core: core.Config{Dump: true, SmallDump: -1}, Loops: loopsOf(t)})
	s.hub.SetDumpMaker(func(*core.Dump) {}) // never made
	streamAddr, webAddr := serveBoth(t, s)
	stream := mustDial(t)(dialStream("tcp", streamAddr))
	web := mustDial(t)(dialWebSocket(webAddr))
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

// TestResetWhileWaiting checks that the locks of a client that resets its connection
// while it waits for a reply are released before the reply is made, however long that
// takes.
func TestResetWhileWaiting(t *testing.T) { atOnce(t, testResetWhileWaiting) }

func testResetWhileWaiting(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("goroutines do not detect resets on this system")
	}
	s := New(Config{Core: core.Config{Dump: true, SmallDump: -1}, Loops: loopsOf(t)})
	s.hub.SetDumpMaker(func(*core.Dump) {}) // never made
	streamAddr, webAddr := serveBoth(t, s)
	clients := []wireConn{mustDial(t)(dialStream("tcp", streamAddr)), mustDial(t)(dialWebSocket(webAddr))}
	for _, c := range clients {
		if err := c.write([]byte("sg x\nd\ni x\n")); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, "the commands", func() bool { return s.executed() == 4 })
	for _, c := range clients {
		reset(c)
	}
	waitUntil(t, "the release", func() bool { conns, locks := s.Held(); return conns+locks == 0 })
	s.Close()
}

// reset resets a TCP connection.
func reset(c wireConn) {
	var socket net.Conn
	switch c := c.(type) {
	case stream:
		socket = c.Conn
	case *wsConn:
		socket = c.Socket
	}
	socket.(*net.TCPConn).SetLinger(0)
	socket.Close()
}

// TestStopWhileWaiting checks that dumps that WebSockets wait for are made even if the
// server stops and its loops have ended (END-8).
func TestStopWhileWaiting(t *testing.T) { atOnce(t, testStopWhileWaiting) }

func testStopWhileWaiting(t *testing.T) {
	s := New(Config{Core: core.Config{Dump: true, SmallDump: -1}, Loops: loopsOf(t)})
	s.hub.SetDumpMaker(func(d *core.Dump) {
		time.AfterFunc(300*time.Millisecond, func() {
			d.Make()
			s.hub.Finish(s.clock.now(), d)
		})
	})
	streamAddr, webAddr := serveBoth(t, s)
	stream := mustDial(t)(dialStream("tcp", streamAddr)) // so that there are loops
	waitUntil(t, "the stream", func() bool { conns, _ := s.Held(); return conns == 1 })
	stream.close()
	var webs []wireConn
	for i, line := range []string{"dump\n", "dump shared\n"} {
		web := mustDial(t)(dialWebSocket(webAddr))
		if err := web.write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, "the command", func() bool { return s.executed() == uint64(i+1) })
		webs = append(webs, web)
	}
	stopped := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience/2)
		defer cancel()
		stopped <- s.Shutdown(ctx)
	}()
	for _, web := range webs {
		if got, err := web.read(len("map[]\n")); err != nil || string(got) != "map[]\n" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	for _, web := range webs {
		go web.end() // answers the close frame
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// busy is a debtor that must not be dropped.
type busy struct{ t *testing.T }

func (b busy) Drop() { b.t.Error("a client whose bytes move is dropped") }

// TestNoRoomForDumps checks that dumps for which there is no room are refused, one
// after the other, whichever driver calls Tick.
func TestNoRoomForDumps(t *testing.T) { onDrivers(t, testNoRoomForDumps) }

func testNoRoomForDumps(t *testing.T) {
	s, addr := start(t, Config{Core: core.Config{Dump: true, Registry: true, SmallDump: -1}})
	holder := connect(t, addr)
	dump := ""
	for i := range 3 {
		name := fmt.Sprint(i) + strings.Repeat("y", 50_000)
		ask(t, holder, "g "+name+"\nsg "+name+"\n", "1 Lock Get Success: "+name+"\n1 Shared Lock Get Success: "+name+"\n")
		dump += name + ": " + holder.LocalAddr().String() + "\n"
	}
	waitUntil(t, "the account", func() bool { return s.hub.Waiting.Bytes() == 0 })
	// One is being made, so that the others wait together.
	made := make(chan func())
	s.hub.SetDumpMaker(func(d *core.Dump) {
		go func() {
			made <- func() {
				d.Make()
				s.hub.Finish(s.clock.now(), d)
			}
		}()
	})
	s.hub.Stop(s.clock.now()) // no pauses
	first := connect(t, addr)
	if _, err := first.Write([]byte("who\n")); err != nil {
		t.Fatal(err)
	}
	finish := <-made
	var much hub.Debt
	s.hub.Waiting.Set(&much, busy{t}, s.clock.now(), 256<<20-100_000, nil, true)
	before := s.executed()
	var clients []net.Conn
	for _, line := range []string{"d\n", "sd\n", "dump\n", "dump shared\n", "d\n"} {
		c := connect(t, addr)
		if _, err := c.Write([]byte(line + "i x\n")); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	waitUntil(t, "the commands", func() bool { return s.executed() == before+5 })
	finish()
	for _, c := range clients {
		ask(t, c, "", "0 Reply Too Large\n0 Lock Not Locked: x\n")
	}
	s.hub.Waiting.Set(&much, busy{t}, s.clock.now(), 0, nil, true)
	go func() { (<-made)() }()
	ask(t, clients[0], "d\n", dump)
}
