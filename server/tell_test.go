package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockd/server/core"
)

// teller is a Core with additional commands: `tell N TEXT` sends a line to connection
// N, `later MS N TEXT` does so after a delay, and `flood N` sends very many. A line must
// arrive in one piece. With these, drivers are tested for what commands that wait will
// need.
type teller struct {
	*core.Core
	alarm core.Time
	late  func(*core.Effects)
}

func newTeller() *teller { return &teller{Core: core.New(core.Config{}), alarm: core.Never} }

func (c *teller) Receive(now core.Time, id core.ID, data []byte, fx *core.Effects) ([]byte, core.State) {
	words := strings.SplitN(strings.TrimSpace(string(data)), " ", 4)
	switch {
	case words[0] == "tell" && len(words) > 2:
		tell(fx, words[1], strings.Join(words[2:], " "))
	case words[0] == "later" && len(words) > 3:
		ms, _ := strconv.Atoi(words[1])
		c.alarm = now + core.Time(ms)*core.Millisecond
		c.late = func(fx *core.Effects) { tell(fx, words[2], words[3]) }
	case words[0] == "flood" && len(words) == 2:
		for i := range floodLines {
			tell(fx, words[1], floodLine(i))
		}
	default:
		return c.Core.Receive(now, id, data, fx)
	}
	fx.Append(id, []byte("1 told\n"))
	return nil, core.State{}
}

const floodLines = 3000

func floodLine(i int) string { return fmt.Sprint(i, strings.Repeat("x", 2000)) }

func tell(fx *core.Effects, id, text string) {
	n, _ := strconv.Atoi(id)
	fx.Append(core.ID(n), []byte(text+"\n"))
}

func (c *teller) EndMessage(now core.Time, id core.ID, fx *core.Effects) core.State {
	return c.Core.EndMessage(now, id, fx)
}

func (c *teller) Tick(now core.Time, fx *core.Effects) {
	if now >= c.alarm {
		c.alarm = core.Never
		c.late(fx)
	}
}

func (c *teller) Next() core.Time { return c.alarm }

// TestTell checks that every driver delivers outputs to other connections, and calls
// Tick when it is due.
func TestTell(t *testing.T) { quietly(t, testTell) }

func testTell(t *testing.T) {
	s := newServer(Config{Loops: loopsOf(t)}, newTeller())
	streamAddr, webAddr := serveBoth(t, s)
	var streams []net.Conn
	for i := range 4 {
		streams = append(streams, connect(t, streamAddr))
		waitUntil(t, "the connection", func() bool { n, _ := s.Held(); return n == i+1 })
	}
	web, err := dialWebSocket(webAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer web.close()
	waitUntil(t, "the WebSocket", func() bool { n, _ := s.Held(); return n == 5 })

	for round := range 20 {
		// To a silent connection, to one that sends at the same time, to itself.
		ask(t, streams[0], fmt.Sprintf("tell 2 a%d\n", round), "1 told\n")
		expectLine(t, streams[1], fmt.Sprintf("a%d\n", round))
		ask(t, streams[1], "tell 2 me\n", "me\n1 told\n")
		go io.WriteString(streams[2], "i x\n")
		ask(t, streams[0], "tell 3 b\n", "1 told\n")
		got := make([]byte, len("b\n0 Lock Not Locked: x\n"))
		if _, err := io.ReadFull(streams[2], got); err != nil || !bytes.Contains(got, []byte("b\n")) || !bytes.Contains(got, []byte("0 Lock Not Locked: x\n")) {
			t.Fatalf("got %q, %v", got, err)
		}
		// To and from a WebSocket, where it is a message of its own.
		ask(t, streams[0], "tell 5 c\n", "1 told\n")
		expectMessage(t, web, "c\n")
		if err := web.write([]byte("tell 1 d")); err != nil {
			t.Fatal(err)
		}
		expectMessage(t, web, "1 told\n")
		expectLine(t, streams[0], "d\n")
		// Later.
		ask(t, streams[0], fmt.Sprintf("later 3 %d e\n", 2+3*(round%2)), "1 told\n")
		if round%2 == 0 {
			expectLine(t, streams[1], "e\n")
		} else {
			expectMessage(t, web, "e\n")
		}
	}

	// To one that does not read: all of it arrives, in order, and no other waits.
	ask(t, streams[0], "flood 4\n", "1 told\n")
	ask(t, streams[0], "tell 4 last\n", "1 told\n")
	for i := range floodLines {
		expectLine(t, streams[3], floodLine(i)+"\n")
	}
	expectLine(t, streams[3], "last\n")
	ask(t, streams[3], "i x\n", "0 Lock Not Locked: x\n")
	// To one that has ended.
	streams[3].Close()
	waitUntil(t, "the end", func() bool { n, _ := s.Held(); return n == 4 })
	ask(t, streams[0], "tell 4 hello\n", "1 told\n")
	ask(t, streams[0], "i x\n", "0 Lock Not Locked: x\n")
}

func expectLine(t *testing.T, c net.Conn, want string) {
	t.Helper()
	ask(t, c, "", want)
}

func expectMessage(t *testing.T, c wireConn, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kind, got, err := c.(*wsConn).Read(ctx)
	if err != nil || string(got) != want {
		t.Fatalf("got %q of type %v, %v, want %q", got, kind, err, want)
	}
}

// TestAlarmIsKept checks that Tick is called in time when nothing else happens.
func TestAlarmIsKept(t *testing.T) { atOnce(t, testAlarmIsKept) }

func testAlarmIsKept(t *testing.T) {
	s := newServer(Config{Loops: loopsOf(t)}, newTeller())
	l, err := ListenTCP("127.0.0.1", 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	c := connect(t, l.Addr().String())
	for _, ms := range []int{1, 40, 5} {
		started := time.Now()
		ask(t, c, fmt.Sprintf("later %d 1 now\n", ms), "1 told\n")
		expectLine(t, c, "now\n")
		if took := time.Since(started); took < time.Duration(ms)*time.Millisecond {
			t.Errorf("an alarm in %d ms went off after %v", ms, took)
		}
	}
}

// TestOthersFirst checks that outputs of earlier calls for other connections are sent
// before the replies of a call.
func TestOthersFirst(t *testing.T) {
	s := newServer(Config{}, newTeller())
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	x, other := newSession(s, near), newSession(s, far)
	x.open()
	other.open()
	fx := new(core.Effects)
	s.hub.Receive(0, other.id(), []byte("tell 1 granted\n"), other.inbox, fx)
	x.life.Received(4)
	x.input = []byte("i x\n")
	x.execute()
	got := ""
	for x.out.Some() {
		got += string(x.out.Next())
		x.out.Sent(len(x.out.Next()))
	}
	if got != "granted\n0 Lock Not Locked: x\n" {
		t.Errorf("got %q", got)
	}
}
