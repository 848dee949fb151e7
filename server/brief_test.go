package server

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"lockd/server/core"
)

// TestHandshakesAreBounded checks that too many unfinished handshakes are closed, the
// oldest first, and that no WebSocket is.
func TestHandshakesAreBounded(t *testing.T) {
	p := newWebSocketPeer(t, core.Config{MaxConnections: 10}).(*live)
	p.open(1)
	addr := p.conns[1].(*wsConn).remote
	var torn []net.Conn
	limit := briefLimit(10)
	for i := range limit + 20 {
		c := connect(t, addr)
		torn = append(torn, c)
		if i%2 == 0 {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: ")
		}
		if i >= limit {
			if _, err := torn[i-limit].Read(make([]byte, 1)); err == nil {
				t.Errorf("connection %d is answered", i-limit)
			}
		}
	}
	p.open(2)
	answer(t, p, "g x\n", "1 Lock Get Success: x\n")
	for _, c := range torn {
		c.Close()
	}
	p.done()
}

// TestBrief checks that a new connection closes the oldest, once, and never one that
// was removed.
func TestBrief(t *testing.T) {
	b := newBrief(2)
	var near, far [5]net.Conn
	for i := range near {
		near[i], far[i] = net.Pipe()
		defer near[i].Close()
		b.add(near[i])
		if i == 0 {
			b.remove(near[0])
		}
	}
	for i, want := range []bool{false, true, true, false, false} {
		far[i].SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := far[i].Read(make([]byte, 1)); (err == io.EOF) != want {
			t.Errorf("connection %d: %v", i, err)
		}
	}
}

// TestBriefAreBounded checks that too many connections that are sent a refusal are
// closed, the oldest first, before their time is over.
func TestBriefAreBounded(t *testing.T) { onDrivers(t, testBriefAreBounded) }

func testBriefAreBounded(t *testing.T) {
	const most = 60
	s := New(Config{Core: core.Config{MaxConnections: most}, Loops: loopsOf(t)})
	streamAddr, webAddr := serveBoth(t, s)
	stream := func() (wireConn, error) { return dialStream("tcp", streamAddr) }
	web := func() (wireConn, error) { return dialWebSocket(webAddr) }
	testBrief(t, stream, "GET / HTTP/1.0\n", "0 HTTP Not Supported\n") // BAD-7
	testBrief(t, web, "GET / HTTP/1.0\n", "0 HTTP Not Supported\n")
	for range most {
		c := mustDial(t)(stream())
		defer c.close()
	}
	waitUntil(t, "as many as there may be", func() bool { conns, _ := s.Held(); return conns == most })
	testBrief(t, stream, "", "0 Too Many Connections\n") // BAD-4
	testBrief(t, web, "", "0 Too Many Connections\n")
	s.Close()
}

// testBrief opens many connections that send say, and are sent told and closed.
func testBrief(t *testing.T, dial func() (wireConn, error), say, told string) {
	limit, before := briefLimit(1), descriptors(t)
	began := time.Now()
	var all []wireConn
	defer func() {
		for _, c := range all {
			c.close()
		}
	}()
	for range 5 * limit {
		c := mustDial(t)(dial())
		all = append(all, c)
		c.write([]byte(say))
		if got, _ := c.read(len(told)); string(got) != told { // it may be of the wrong kind
			t.Fatalf("got %q, want %q", got, told)
		}
	}
	// They are kept for a second, with or without a bound.
	if time.Since(began) > 400*time.Millisecond {
		t.Log("inconclusive: this machine is busy")
		return
	}
	for descriptors(t)-before > len(all)+limit*max(1, loopsOf(t))+limit/2 { // each loop has its own
		if time.Since(began) > 900*time.Millisecond {
			t.Fatalf("%d more descriptors are open with %d connections that were sent %q", descriptors(t)-before, len(all), told)
		}
		time.Sleep(time.Millisecond)
	}
}

// descriptors returns how many descriptors are open, of both ends.
func descriptors(t *testing.T) int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("skipped: this system does not list open descriptors")
	}
	return len(all)
}
