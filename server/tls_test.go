package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"lockd/server"
	"lockd/server/core"
	"lockd/sim/tlstest"
)

// patienceTLS is how long a test waits for what must happen.
const patienceTLS = 30 * time.Second

// secured is a server that speaks TLS.
type secured struct {
	t        *testing.T
	server   *server.Server
	ca       *tlstest.Authority
	tcp, wss string
	log      *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// secure starts a server; mutual is whether it wants certificates of clients.
func secure(t *testing.T, config server.Config, mutual bool) *secured {
	t.Helper()
	s := &secured{t: t, ca: tlstest.NewAuthority(t), log: new(lockedBuffer)}
	config.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	s.server = server.New(config)
	own := &tls.Config{Certificates: []tls.Certificate{s.ca.Issue(24*time.Hour, "127.0.0.1")}}
	if mutual {
		own.ClientCAs, own.ClientAuth = s.ca.Pool(), tls.RequireAndVerifyClientCert
	}
	for _, serve := range []func(net.Listener, *tls.Config) error{s.server.ServeTLS, s.server.ServeWebSocketTLS} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go serve(l, own)
		if s.tcp == "" {
			s.tcp = l.Addr().String()
		} else {
			s.wss = l.Addr().String()
		}
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patienceTLS)
		defer cancel()
		if err := s.server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// as returns the configuration of a client with certificates, perhaps none.
func (s *secured) as(own ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: s.ca.Pool(), ServerName: "127.0.0.1", Certificates: own}
}

// dial connects, and makes the handshake.
func (s *secured) dial(config *tls.Config) (*tls.Conn, error) {
	d := &net.Dialer{Timeout: patienceTLS}
	c, err := tls.DialWithDialer(d, "tcp", s.tcp, config)
	if err == nil {
		s.t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(patienceTLS))
	}
	return c, err
}

func (s *secured) mustDial(own ...tls.Certificate) *tls.Conn {
	s.t.Helper()
	c, err := s.dial(s.as(own...))
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// say sends a line and returns the line that answers it.
func say(t *testing.T, c net.Conn, line string) string {
	t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := readLine(c)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return answer
}

func readLine(c net.Conn) (string, error) {
	var line []byte
	for one := make([]byte, 1); ; line = append(line, one[0]) {
		if _, err := c.Read(one); err != nil {
			return string(line), err
		}
		if one[0] == '\n' {
			return string(line), nil
		}
	}
}

func (s *secured) until(what string, condition func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patienceTLS); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited too long for %s", what)
		}
	}
}

func features() server.Config { return server.Config{Core: core.Config{Registry: true, Dump: true}} }

// TestTLSLocks checks that a lock lives as long as its connection, and how a wait ends.
func TestTLSLocks(t *testing.T) {
	s := secure(t, features(), false)
	a, b := s.mustDial(), s.mustDial()
	if got := say(t, a, "g x"); got != "1 Lock Get Success: x" {
		t.Error(got)
	}
	s.until("two connections over TLS", func() bool { return s.server.Measures().Open == [core.NumTransports]int{core.TLS: 2} })
	io.WriteString(b, "w 60000 g x\ni x\n")
	s.until("the wait", func() bool { return s.server.Measures().Exclusive.Waiters == 1 })
	a.Close()
	for _, want := range []string{"1 Lock Get Success: x", "1 Lock Is Locked: x"} {
		if got, err := readLine(b); err != nil || !strings.HasPrefix(got, want[:1]) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	// A client that ends its stream is answered, and released.
	io.WriteString(b, "g y\ni y\n")
	b.CloseWrite()
	rest, err := io.ReadAll(b)
	if err != nil || strings.Count(string(rest), "\n") != 2 {
		t.Errorf("after the end of the stream: %q, %v", rest, err)
	}
	s.until("the end", func() bool { connections, locks := s.server.Held(); return connections+locks == 0 })
	// One that is cut off is released, too.
	c := s.mustDial()
	say(t, c, "g z")
	c.NetConn().Close()
	s.until("the end", func() bool { connections, locks := s.server.Held(); return connections+locks == 0 })
	// The end of the stream ends a wait.
	holder, waiter := s.mustDial(), s.mustDial()
	say(t, holder, "g x")
	io.WriteString(waiter, "w 60000 g x\n")
	s.until("the wait", func() bool { return s.server.Measures().Exclusive.Waiters == 1 })
	waiter.CloseWrite()
	if got, err := readLine(waiter); err != nil || got != "0 Wait Cancelled: x" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestTLSMuch sends and receives more than any buffer takes, in both directions.
func TestTLSMuch(t *testing.T) {
	s := secure(t, features(), false)
	c := s.mustDial()
	const commands = 200_000
	go func() {
		w := bufio.NewWriter(c)
		for i := range commands {
			fmt.Fprintf(w, "g name%d\n", i)
		}
		w.WriteString("d\n")
		w.Flush()
		c.CloseWrite()
	}()
	reply, err := io.ReadAll(c)
	if n := bytes.Count(reply, []byte("\n")); err != nil || n != 2*commands {
		t.Errorf("%d lines, %v", n, err)
	}
}

// TestTLSNames checks that the name in a certificate is who a client is, and that the
// others are refused.
func TestTLSNames(t *testing.T) {
	s := secure(t, features(), true)
	stranger := tlstest.NewAuthority(t)
	for why, own := range map[string][]tls.Certificate{
		"without a certificate":       nil,
		"of another authority":        {stranger.Issue(24*time.Hour, "intruder")},
		"with an expired certificate": {s.ca.Issue(time.Minute, "late")},
	} {
		c, err := s.dial(s.as(own...))
		if err == nil {
			_, err = io.WriteString(c, "g x\n") // with TLS 1.3 the client learns of it by reading
			if err == nil {
				_, err = readLine(c)
			}
		}
		if err == nil {
			t.Errorf("a client %s was served", why)
		}
	}
	s.until("three refusals", func() bool { return s.server.Measures().Unsecured == 3 })
	if connections, locks := s.server.Held(); connections+locks > 0 {
		t.Errorf("%d connections, %d locks", connections, locks)
	}
	worker := s.ca.Issue(24*time.Hour, "worker-7")
	c := s.mustDial(worker)
	addr := c.LocalAddr().String()
	for line, want := range map[string]string{
		"me":       "1 " + addr + " worker-7",
		"iam boss": "0 disabled",
		"g x":      "1 Lock Get Success: x",
	} {
		if got := say(t, c, line); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
	if got := say(t, c, "d"); got != "x: worker-7" {
		t.Errorf("d: %q", got)
	}
	config := s.as(worker)
	ws, _, err := websocket.Dial(t.Context(), "wss://"+s.wss+"/", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: config}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	ws.Write(t.Context(), websocket.MessageText, []byte("me\n"))
	if _, got, err := ws.Read(t.Context()); err != nil || !strings.HasSuffix(string(got), " worker-7\n") {
		t.Errorf("over a websocket: %q, %v", got, err)
	}
	s.until("one connection of each kind", func() bool { return s.server.Measures().Open == [core.NumTransports]int{core.TLS: 1, core.WSS: 1} })
}

// TestTLSRequired checks what a client is told that does not speak TLS, and that failures
// are logged once, and counted.
func TestTLSRequired(t *testing.T) {
	s := secure(t, features(), false)
	for range 5 {
		c, err := net.Dial("tcp", s.tcp)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(patienceTLS))
		io.WriteString(c, "g job\n")
		if got, err := io.ReadAll(c); string(got) != "0 TLS Required\n" {
			t.Errorf("got %q, %v", got, err)
		}
		c.Close()
	}
	s.until("the count", func() bool { return s.server.Measures().Unsecured == 5 })
	if n := strings.Count(s.log.String(), "\n"); n != 1 {
		t.Errorf("%d lines of the log: %s", n, s.log)
	}
}

// TestTLSSilence opens connections that never make the handshake: they do not keep others
// from being served, nor the server from stopping.
func TestTLSSilence(t *testing.T) {
	config := features()
	config.Core.MaxConnections = 20
	before := runtime.NumGoroutine()
	s := secure(t, config, false)
	for range 300 {
		c, err := net.Dial("tcp", s.tcp)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	c := s.mustDial()
	if got := say(t, c, "g x"); got != "1 Lock Get Success: x" {
		t.Error(got)
	}
	s.until("the oldest to be closed", func() bool { return runtime.NumGoroutine() < before+100 })
	ctx, cancel := context.WithTimeout(context.Background(), patienceTLS)
	defer cancel()
	began := time.Now()
	if err := s.server.Shutdown(ctx); err != nil {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// TestTLSStop checks that a server that stops answers what it has received, and ends the
// stream so that the client knows that nothing is missing.
func TestTLSStop(t *testing.T) {
	s := secure(t, features(), false)
	c, waiter := s.mustDial(), s.mustDial()
	say(t, c, "g x")
	io.WriteString(waiter, "w 60000 g x\n")
	s.until("the wait", func() bool { return s.server.Measures().Exclusive.Waiters == 1 })
	done := make(chan error)
	go func() { done <- s.server.Shutdown(context.Background()) }()
	if got, err := io.ReadAll(waiter); err != nil || string(got) != "0 Wait Cancelled: x\n" {
		t.Errorf("got %q, %v", got, err)
	}
	waiter.Close()
	if got, err := io.ReadAll(c); err != nil || len(got) > 0 {
		t.Errorf("got %q, %v", got, err)
	}
	c.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
