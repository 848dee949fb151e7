package web_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lockd/server"
	"lockd/server/core"
	"lockd/server/web"
)

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "3") // what is parallel waits
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// site is a server with a Web.
type site struct {
	t      testing.TB
	server *server.Server
	web    *web.Web
	tcp    string // address of the protocol
	url    string // of the page, without a slash at the end
	client *http.Client
}

// start starts a server; config and options may be zero.
func start(t testing.TB, config server.Config, options web.Options) *site {
	t.Helper()
	s := &site{t: t, server: server.New(config)}
	options.Server, options.Lists = s.server, config.Core.Dump
	s.web = web.New(options)
	s.server.Handle(s.web)
	for _, serve := range []func(net.Listener) error{s.server.Serve, s.server.ServeWebSocket} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go serve(l)
		if s.tcp == "" {
			s.tcp = l.Addr().String()
		} else {
			s.url = "http://" + l.Addr().String()
		}
	}
	transport := &http.Transport{}
	s.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.server.Shutdown(ctx)
		s.web.Close()
	})
	return s
}

// get returns the status and the body of an answer.
func (s *site) get(path string) (int, string) {
	s.t.Helper()
	r, err := s.client.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// page returns the page for a query.
func (s *site) page(query string) string {
	s.t.Helper()
	status, body := s.get("/" + query)
	if status != http.StatusOK {
		s.t.Fatalf("status %d: %s", status, body)
	}
	return body
}

// holder is a client of the protocol.
type holder struct {
	t testing.TB
	net.Conn
	in *bufio.Reader
}

func (s *site) dial() *holder {
	s.t.Helper()
	c, err := net.Dial("tcp", s.tcp)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return &holder{s.t, c, bufio.NewReader(c)}
}

// ask sends lines, each of which is answered with a line.
func (h *holder) ask(lines ...string) (last string) {
	h.t.Helper()
	h.SetDeadline(time.Now().Add(patience))
	for _, line := range lines {
		if _, err := io.WriteString(h, line+"\n"); err != nil {
			h.t.Fatal(err)
		}
		answer, err := h.in.ReadString('\n')
		if err != nil {
			h.t.Fatal(err)
		}
		last = answer
	}
	return last
}

// wait makes the client wait for a lock, until that many wait in all.
func (s *site) wait(h *holder, line string, waiting int) {
	s.t.Helper()
	io.WriteString(h, "w 600000 "+line+"\n")
	s.until(fmt.Sprint(waiting, " to wait"), func() bool {
		m := s.server.Measures()
		return m.Exclusive.Waiters+m.Shared.Waiters == waiting
	})
}

func (s *site) until(what string, condition func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited too long for %s", what)
		}
	}
}

// all is the configuration of a server with all features.
func all() server.Config {
	return server.Config{Core: core.Config{Registry: true, Dump: true}, Loops: loops()}
}

func loops() int {
	if server.LoopsSupported {
		return 1
	}
	return 0
}

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

func mustNotContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%q is in:\n%s", part, text)
		}
	}
}
