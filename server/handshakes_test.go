package server

import (
	"io"
	"net"
	"testing"

	"lockd/server/core"
)

// TestHandshakesAreBounded checks that connections which are no WebSockets yet, and
// stay so, are closed for others, the oldest first, and that no WebSocket is.
func TestHandshakesAreBounded(t *testing.T) {
	p := newWebSocketPeer(t, core.Config{MaxConnections: 10}).(*live)
	p.open(1)
	addr := p.conns[1].(*wsConn).remote
	var torn []net.Conn
	for i := range fewestHandshakes + 20 {
		c := connect(t, addr)
		torn = append(torn, c)
		if i%2 == 0 {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: ")
		}
		if i >= fewestHandshakes {
			if _, err := torn[i-fewestHandshakes].Read(make([]byte, 1)); err == nil {
				t.Errorf("connection %d is answered", i-fewestHandshakes)
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
