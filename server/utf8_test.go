package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"lockd/server/core"
)

// TestUTF8Check compares the check of pieces with that of the whole text.
func TestUTF8Check(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "é", "€", "😀", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f", "\x80", "\xc0\xaf", "\xed\xa0\x80"}
	for range 20_000 {
		text := ""
		for range random.IntN(5) {
			text += parts[random.IntN(len(parts)-random.IntN(2)*6)]
		}
		var check utf8Check
		valid := true
		for rest := text; valid && len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			valid = check.valid([]byte(rest[:n]))
			rest = rest[n:]
		}
		if got := valid && check.whole(); got != utf8.ValidString(text) {
			t.Fatalf("%q: got %v", text, got)
		}
	}
}

// webText opens a WebSocket that sends text messages.
func webText(t *testing.T, addr string) *wsConn {
	t.Helper()
	c, err := dialWebSocket(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return c.(*wsConn)
}

func say(t *testing.T, c *wsConn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, c *wsConn, kind websocket.MessageType, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, data, err := c.Read(ctx)
	if err != nil || got != kind || string(data) != want {
		t.Fatalf("got %.200q of %v, %v; want %.200q of %v", data, got, err, want, kind)
	}
}

// answer sends a line on the first connection of a server, in a binary message, and
// expects a reply.
func answer(t *testing.T, p *live, line, want string) {
	t.Helper()
	if got := p.send(1, []byte(line), []byte(want)); string(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// TestRepliesNotUTF8 checks WS-3: replies that are not UTF-8 are never sent as text, and
// end no connection.
func TestRepliesNotUTF8(t *testing.T) {
	for _, small := range []int{0, -1} {
		p := newWebSocketPeer(t, core.Config{Dump: true, Registry: true, SmallDump: small}).(*live)
		p.open(1)
		web := webText(t, p.conns[1].(*wsConn).remote)
		answer(t, p, "g caf\xe9\n", "1 Lock Get Success: caf\xe9\n")
		addr := p.addrs[1]
		say(t, web, "g mine\ni mine")
		hear(t, web, websocket.MessageText, "1 Lock Get Success: mine\n1 Lock Is Locked: mine\n")
		say(t, web, "d caf\xc3\xa9\nd\n")
		hear(t, web, websocket.MessageBinary, fmt.Sprintf("caf\xe9: %s\nmine: %s\n", addr, web.localAddr()))

		// A reply that has begun as text continues as another message.
		long := strings.Repeat("x", 60_000)
		say(t, web, strings.Repeat("i "+long+"\n", 3)+"dump\ni mine\n")
		hear(t, web, websocket.MessageText, strings.Repeat("0 Lock Not Locked: "+long+"\n", 2))
		hear(t, web, websocket.MessageBinary, "0 Lock Not Locked: "+long+"\n"+fmt.Sprintf("map[caf\xe9:%s mine:%s]\n", addr, web.localAddr())+"1 Lock Is Locked: mine\n")

		// A large dump.
		want := fmt.Sprintf("caf\xe9: %s\n", addr)
		for i := range 300 {
			say(t, web, fmt.Sprintf("g l%03d%s", i, long[:1000]))
			hear(t, web, websocket.MessageText, fmt.Sprintf("1 Lock Get Success: l%03d%s\n", i, long[:1000]))
			want += fmt.Sprintf("l%03d%s: %s\n", i, long[:1000], web.localAddr())
		}
		want += fmt.Sprintf("mine: %s\n", web.localAddr())
		say(t, web, "d")
		hear(t, web, websocket.MessageBinary, want)
		answer(t, p, "r caf\xe9\n", "1 Lock Release Success: caf\xe9\n")
		say(t, web, "d")
		hear(t, web, websocket.MessageText, want[strings.Index(want, "\n")+1:])
		web.close()
		p.await(1)
		p.done()
	}
}

// TestTextNotUTF8 checks that a text message that is not UTF-8 ends the connection with
// the status for that (RFC 6455, 8.1).
func TestTextNotUTF8(t *testing.T) {
	for _, text := range []string{"g caf\xe9", "g caf\xc3", "g x\n\xff\n", strings.Repeat("é", 20_000) + "\xe9"} {
		p := newWebSocketPeer(t, core.Config{}).(*live)
		p.open(1)
		web := webText(t, p.conns[1].(*wsConn).remote)
		say(t, web, text)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, data, err := web.Read(ctx)
		if websocket.CloseStatus(err) != websocket.StatusInvalidFramePayloadData {
			t.Errorf("%.20q: got %q, %v", text, data, err)
		}
		cancel()
		web.close()
		p.await(1)
		p.done()
	}
}
