package server

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"lockd/server/core"
)

// TestOrigin checks WS-4.
func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		allowed []string
		origin  string
		want    int
	}{
		{nil, "", http.StatusSwitchingProtocols},
		{nil, "http://HOST", http.StatusSwitchingProtocols},
		{nil, "https://evil.example", http.StatusForbidden},
		{nil, "null", http.StatusForbidden},
		{[]string{"good.example"}, "https://good.example", http.StatusSwitchingProtocols},
		{[]string{"https://good.example"}, "http://good.example", http.StatusForbidden},
		{[]string{"*.good.example"}, "https://www.good.example", http.StatusSwitchingProtocols},
		{[]string{"good.example"}, "https://evil.example", http.StatusForbidden},
		{[]string{"*"}, "https://evil.example", http.StatusSwitchingProtocols},
	} {
		s := New(Config{Origins: c.allowed})
		h := httptest.NewServer(http.HandlerFunc(s.upgrade))
		host := strings.TrimPrefix(h.URL, "http://")
		header := http.Header{}
		if c.origin != "" {
			header.Set("Origin", strings.ReplaceAll(c.origin, "HOST", host))
		}
		ws, r, err := websocket.Dial(t.Context(), h.URL, &websocket.DialOptions{HTTPHeader: header})
		if err == nil {
			ws.CloseNow()
		}
		if r == nil || r.StatusCode != c.want {
			t.Errorf("origin %q with %q allowed: %v, not %d", c.origin, c.allowed, r, c.want)
		}
		s.Close()
		h.Close()
	}
}

// upgradeRequest asks for a WebSocket.
const upgradeRequest = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// TestTornMessage checks LINE-7 on a WebSocket: a message whose end never comes
// is not executed beyond its last LF, wherever it is torn.
func TestTornMessage(t *testing.T) {
	// A masked text message "g a\ng b" in one frame, and in two.
	one := "\x81\x87\x00\x00\x00\x00g a\ng b"
	two := "\x01\x87\x00\x00\x00\x00g a\ng b\x80\x81\x00\x00\x00\x00c"
	for _, frames := range []string{one, two} {
		for cut := range len(frames) {
			p := newWebSocketPeer(t, core.Config{}).(*live)
			p.open(1)
			c := connect(t, p.conns[1].(*wsConn).remote)
			ask(t, c, upgradeRequest, "HTTP/1.1 101 ")
			io.WriteString(c, frames[:cut])
			c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
			p.send(1, []byte("g b\ni a"), []byte("1 Lock Get Success: b\n0 Lock Not Locked: a\n"))
			if n := p.server.executed(); n > 3 {
				t.Errorf("cut at %d of %q: %d commands were executed", cut, frames, n)
			}
			p.done()
		}
	}
}

// TestMessageThatNeverEnds checks that a WebSocket does not keep the buffer of a
// large reply while its message goes on.
func TestMessageThatNeverEnds(t *testing.T) {
	r := &reply{session: &session{server: New(Config{})}, frames: nopCloser{io.Discard}}
	for _, size := range []int{4 * replyBatch, replyBatch - 1, 1, replyBatch} {
		if err := r.take(make([]byte, size)); err != nil || cap(r.out) > 2*replyBatch {
			t.Errorf("%d bytes are kept, %v", cap(r.out), err)
		}
	}
	if len(r.out) != 0 {
		t.Errorf("%d bytes wait", len(r.out))
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
