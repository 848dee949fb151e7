package server

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

// serveHandler serves HTTP with a handler, and returns the address.
func serveHandler(t *testing.T, config Config, h http.HandlerFunc) string {
	s := New(config)
	t.Cleanup(func() { s.Close() })
	s.Handle(h)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.ServeWebSocket(l)
	return l.Addr().String()
}

// request sends a request, and returns all that comes.
func request(t *testing.T, addr, text string) string {
	c := connect(t, addr)
	io.WriteString(c, text)
	got, _ := io.ReadAll(c)
	return string(got)
}

// TestPanicOfHandler checks that a handler that panics is reported, once for a while, and
// that others are served on.
func TestPanicOfHandler(t *testing.T) {
	log := new(lines)
	addr := serveHandler(t, Config{Logger: slog.New(slog.NewTextHandler(log, nil))}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("this handler")
		}
	})
	for range 2 {
		if got := request(t, addr, "GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != "" {
			t.Errorf("a panic answers %q", got)
		}
	}
	if got := request(t, addr, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") {
		t.Errorf("after a panic the answer is %q", got)
	}
	if n := log.count("level=ERROR"); n != 1 || log.count(": this handler") != 1 || log.count("http_test.go") == 0 {
		t.Errorf("the panic is logged %d times: %s", n, log.text.String())
	}
}

// TestRequestWithoutHost checks that a program that speaks HTTP/1.0 is answered, since no
// browser is one.
func TestRequestWithoutHost(t *testing.T) {
	addr := serveHandler(t, Config{}, func(http.ResponseWriter, *http.Request) {})
	for text, want := range map[string]string{
		"GET / HTTP/1.0\r\n\r\n":                       "HTTP/1.0 200 OK\r\n",
		"GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n": "HTTP/1.0 403 Forbidden\r\n",
	} {
		if got := request(t, addr, text); !strings.HasPrefix(got, want) {
			t.Errorf("%q is answered %q", text, got)
		}
	}
}
