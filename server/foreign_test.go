package server

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestForeign checks BAD-7 with clients of other protocols: they are answered at once,
// and nothing that they send is executed.
func TestForeign(t *testing.T) {
	onDrivers(t, func(t *testing.T) {
		s := New(Config{Loops: loopsOf(t)})
		defer s.Close()
		addr, web := serveBoth(t, s)
		began := time.Now()

		c := connect(t, addr)
		lines := strings.Repeat("g job\n", 10_000)
		go io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\n\r\n"+lines)
		if got, err := io.ReadAll(c); string(got) != "0 HTTP Not Supported\n" || err != nil {
			t.Errorf("an HTTP request is answered %q, %v", got, err)
		}
		c.Close()

		client := &http.Client{Timeout: patience}
		_, err := client.Post("http://"+addr+"/"+strings.Repeat("a", 70_000), "text/plain", strings.NewReader(lines))
		// The client closes its connection after what it has read, while it writes.
		if err == nil || !strings.Contains(err.Error(), "malformed HTTP") && !errors.Is(err, net.ErrClosed) {
			t.Errorf("an HTTP client gets %v", errors.Unwrap(err))
		}

		_, err = tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err == nil || !strings.Contains(err.Error(), "does not look like a TLS handshake") {
			t.Errorf("a TLS client gets %v", err)
		}

		ws := webText(t, web)
		say(t, ws, "GET / HTTP/1.1\r\ng job")
		hear(t, ws, websocket.MessageText, "0 HTTP Not Supported\n")
		if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("the WebSocket ends with %v", err)
		}

		if took := time.Since(began); took > patience/2 {
			t.Errorf("it took %v", took)
		}
		waitUntil(t, "all are gone", func() bool { n, _ := s.Held(); return n == 0 })
		last := connect(t, addr)
		defer last.Close()
		ask(t, last, "i job\nGET / HTTP/1.1\ng GET / HTTP/1.1\n", "0 Lock Not Locked: job\n1 Lock Get Success: GET / HTTP/1.1\n")
		if n := s.executed(); n != 7 { // four first lines, and three of the last
			t.Errorf("%d commands were executed", n)
		}
	})
}
