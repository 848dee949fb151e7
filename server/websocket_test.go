package server

import (
	"io"
	"net"
	"testing"

	"lockd/server/core"
)

// upgradeRequest asks for a WebSocket.
const upgradeRequest = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// TestTornMessage checks LINE-7 on a WebSocket: a message that never ends is not
// executed beyond its last LF, wherever it is torn.
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

// TestMessageThatNeverEnds checks that a WebSocket does not keep the buffer of a large
// reply while its message continues.
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
