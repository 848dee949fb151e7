package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockd/server"
	"lockd/server/core"
	"lockd/sim/conformance"
)

// serve runs a handler for every connection to a free port.
func serve(t *testing.T, handle func(net.Conn)) conformance.Endpoint {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				handle(nc)
			}()
		}
	}()
	return conformance.Endpoint{Transport: "tcp", Address: l.Addr().String()}
}

func at(on conformance.Endpoint) conformance.Options {
	return conformance.Options{
		Endpoints: []conformance.Endpoint{on}, Level: conformance.Strict, Timeout: 200 * time.Millisecond,
	}
}

// TestNoServer judges what cannot be judged.
func TestNoServer(t *testing.T) {
	for name, handle := range map[string]func(net.Conn){
		"silent":       func(nc net.Conn) { io.Copy(io.Discard, nc) },
		"closes":       func(nc net.Conn) {},
		"floods":       func(nc net.Conn) { io.Copy(nc, forever("0")) },
		"never a line": func(nc net.Conn) { nc.Write([]byte("0 Lock")); io.Copy(io.Discard, nc) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := conformance.Run(t.Context(), at(serve(t, handle)))
			var unreachable *conformance.ErrUnreachable
			if !errors.As(err, &unreachable) {
				t.Errorf("got error %v, want an ErrUnreachable", err)
			}
		})
	}
	t.Run("nobody", func(t *testing.T) {
		on := serve(t, func(net.Conn) {})
		on.Address = "127.0.0.1:1"
		_, err := conformance.Run(t.Context(), at(on))
		if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Errorf("got error %v, want one with the address", err)
		}
	})
}

func forever(text string) io.Reader { return repeated(text) }

type repeated string

func (r repeated) Read(p []byte) (int, error) {
	return copy(p, strings.Repeat(string(r), len(p)/len(r)+1)), nil
}

// TestOddServers judges servers that answer, but not what was asked. The suite
// comes to an end, and to the right one.
func TestOddServers(t *testing.T) {
	some := []string{"get-free", "no-banner", "shared-get-*", "replies-once", "statistics-keys", "unknown-*"}
	for name, l := range map[string]liar{
		"greets":        {config: full, open: func(p *peer) { p.send([]byte("lockd 1.0 ready\n")) }},
		"answers twice": {config: full, line: func(p *peer, line string) string { out := p.do(line); return out + out }},
		"echoes":        {config: full, line: func(p *peer, line string) string { return line }},
		"hangs up":      {config: full, line: func(p *peer, line string) string { out := p.do(line); p.send([]byte(out)); p.hangUp(); return "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := judge(t, conformance.Options{Start: l.start(t, "tcp"), Timeout: 200 * time.Millisecond, Run: some})
			if report.Conforms() || report.Tallies()[conformance.Core].Failed == 0 {
				t.Errorf("the verdict is %q", report.Verdict())
			}
		})
	}
}

// TestSlowServer gives every answer late, which is no deviation.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	slow := liar{config: full, packet: func(p *peer, data []byte) []byte { p.unlocked(60 * time.Millisecond); return data }}
	report := judge(t, conformance.Options{Start: slow.start(t, "tcp"), Run: []string{"get-free", "get-re*", "unknown-*", "orphans-*"}})
	if !report.Conforms() {
		t.Errorf("the verdict is %q", report.Verdict())
	}
}

// mortal is a server that stops serving when it sees a NUL.
func mortal() liar {
	return liar{config: full, packet: func(p *peer, data []byte) []byte {
		if bytes.IndexByte(data, 0) >= 0 {
			p.dead = true
		}
		if p.dead {
			p.hangUp()
			return nil
		}
		return data
	}}
}

// TestServerDies kills the server in the middle of the run. With a way to start
// it again every case is judged, and only those that kill it are failed.
func TestServerDies(t *testing.T) {
	t.Parallel()
	report := judge(t, conformance.Options{
		Start: mortal().start(t, "tcp"), Timeout: 300 * time.Millisecond, Run: []string{"name-*", "get-re*", "blank-*"},
	})
	if len(report.Crashes) == 0 || report.Died != nil || report.Conforms() || report.Tallies()[conformance.Core].Failed != 2 {
		t.Errorf("died: %v, crashes: %v, the verdict is %q", report.Died, report.Crashes, report.Verdict())
	}
	if got := strings.Join(failedIn(report), " "); got != "name-is-echoed-bytewise name-with-control-bytes" {
		t.Errorf("failed: %s", got)
	}
	if n := len(report.Of(conformance.NotRun)); n != 0 {
		t.Errorf("%d cases were not run", n)
	}
}

// TestServerDiesForGood has no way to start it again.
func TestServerDiesForGood(t *testing.T) {
	t.Parallel()
	instance, err := mortal().start(t, "tcp")(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Stop(t.Context())
	opts := at(instance.Endpoints[0])
	opts.Run = []string{"name-*", "statistics-*"}
	report, err := conformance.Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if report.Died == nil || report.Conforms() || len(report.Of(conformance.NotRun)) == 0 || report.Tallies()[conformance.Core].Failed == 0 {
		t.Errorf("died: %v, %d not run, the verdict is %q", report.Died, len(report.Of(conformance.NotRun)), report.Verdict())
	}
}

// TestHandshakes judges servers that want something of a handshake.
func TestHandshakes(t *testing.T) {
	t.Parallel()
	s := server.New(server.Config{Core: core.Config{Registry: true, Dump: true}})
	t.Cleanup(func() { s.Close() })
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.ServeWebSocket(inner)
	for name, c := range map[string]struct {
		refuses func(*http.Request) bool
		want    string // in the error; "" is none
	}{
		"an origin":  {func(r *http.Request) bool { return r.Header.Get("Origin") != "http://"+r.Host }, ""},
		"everything": {func(*http.Request) bool { return true }, "HTTP status 403"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: inner.Addr().String()})
			h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.refuses(r) {
					http.Error(w, "no", http.StatusForbidden)
					return
				}
				r.Header.Del("Origin") // it is not that of the server behind this one
				proxy.ServeHTTP(w, r)
			}))
			defer h.Close()
			opts := at(conformance.Endpoint{Transport: "ws", Address: "ws" + strings.TrimPrefix(h.URL, "http")})
			opts.Run = []string{"get-free"}
			opts.Start = func(context.Context) (*conformance.Instance, error) {
				return &conformance.Instance{Endpoints: opts.Endpoints, Stop: func(context.Context) error { return nil }, Exited: make(chan struct{})}, nil
			}
			report, err := conformance.Run(t.Context(), opts)
			if c.want == "" && (err != nil || !report.Conforms()) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestInterrupted stops the suite after some cases, of which there is a report.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := 0
	opts := conformance.Options{Start: liars["honest"].start(t, "tcp"), Level: conformance.Strict, Skip: bulk, Parallel: 2}
	opts.Progress = func(conformance.Result) {
		if done++; done == 5 {
			cancel()
		}
	}
	report, err := conformance.Run(ctx, opts)
	if !errors.Is(err, context.Canceled) || report == nil {
		t.Fatalf("got %v, %v", report, err)
	}
	passed, open := len(report.Of(conformance.Passed)), len(report.Of(conformance.NotRun))
	if passed < 5 || open < 100 || len(report.Of(conformance.Failed)) > 0 || report.Conforms() {
		t.Errorf("%d passed, %d were not run, the verdict is %q", passed, open, report.Verdict())
	}
}

// TestReports reads every form of a report back.
func TestReports(t *testing.T) {
	t.Parallel()
	report := judge(t, conformance.Options{Start: liars["releases-for-anyone"].start(t, "tcp"), Run: []string{"release-*"}})
	var text, html, js, junit bytes.Buffer
	for _, err := range []error{report.WriteText(&text, false), report.WriteHTML(&html), report.WriteJSON(&js), report.WriteJUnit(&junit)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const clause = "by a connection that is not the holder answers no"
	for name, form := range map[string]string{"text": text.String(), "html": html.String(), "json": js.String(), "junit": junit.String()} {
		for _, want := range []string{"REL-2", "release-by-another", clause, "Lock Release Success: x-"} {
			if want == clause && name == "text" {
				continue // what failed for the same reason stands under one clause
			}
			if !strings.Contains(form, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
	if !strings.HasSuffix(text.String(), "\n"+report.Verdict()+"\n") {
		t.Error("the verdict is not the last line")
	}
	var decoded struct {
		Verdict string
		Results []struct{ ID, Status string }
	}
	if err := json.Unmarshal(js.Bytes(), &decoded); err != nil || decoded.Verdict != report.Verdict() || len(decoded.Results) != len(report.Results) {
		t.Errorf("json: %v, %+v", err, decoded)
	}
	var suites struct {
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Cases []struct {
				Name string `xml:"name,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(junit.Bytes(), &suites); err != nil || suites.Failures != len(report.Of(conformance.Failed)) {
		t.Errorf("junit: %v, %+v", err, suites)
	}
}

// helperAddr tells a copy of this test binary to be a server.
const helperAddr = "CONFORMANCE_HELPER_ADDR"

func TestMain(m *testing.M) {
	if addr := os.Getenv(helperAddr); addr != "" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			panic(err)
		}
		s := server.New(server.Config{Core: core.Config{Registry: true, Dump: true}})
		go s.Serve(l)
		live(s)
		return
	}
	os.Exit(m.Run())
}

// helperCrash tells it to crash after that time, if the file of helperOnce is not there,
// which it makes.
const (
	helperCrash = "CONFORMANCE_HELPER_CRASH"
	helperOnce  = "CONFORMANCE_HELPER_ONCE"
)

// live lets a server live until SIGTERM, or until it crashes.
func live(s *server.Server) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	var crash <-chan time.Time
	if after, err := time.ParseDuration(os.Getenv(helperCrash)); err == nil {
		if f, err := os.OpenFile(os.Getenv(helperOnce), os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			crash = time.After(after)
		}
	}
	select {
	case <-stop:
		s.Shutdown(context.Background())
	case <-crash:
		panic("this is the end")
	}
}

// TestCrashOnce has a server that crashes a moment after its start, in its first life
// only: whatever it does then, it has deviated, and the report shows why.
func TestCrashOnce(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts := at(conformance.Endpoint{Transport: "tcp", Address: l.Addr().String()})
	l.Close()
	opts.Timeout = conformance.DefaultTimeout
	opts.Skip = bulk
	opts.Start = conformance.StartCommand(fmt.Sprintf("%s=%s %s=100ms %s=%s/once %s",
		helperAddr, opts.Endpoints[0].Address, helperCrash, helperOnce, t.TempDir(), os.Args[0]), opts.Endpoints)
	report := judge(t, opts)
	var text, junit strings.Builder
	report.WriteText(&text, false)
	report.WriteJUnit(&junit)
	if report.Conforms() || len(report.Crashes) != 1 || report.Tallies()[conformance.Core].Failed == 0 || len(report.Of(conformance.NotRun)) > 0 {
		t.Errorf("%d crashes, the verdict is %q", len(report.Crashes), report.Verdict())
	}
	for _, r := range report.Of(conformance.Failed) {
		if !r.Crash || r.Cited[0].ID != "BAD-6" {
			t.Errorf("%s is failed for something else: %v", r.ID, r.Failure)
		}
	}
	for form, text := range map[string]string{"text": text.String(), "junit": junit.String()} {
		if !strings.Contains(text, "panic: this is the end") || strings.Contains(text, "    often  ") {
			t.Errorf("%s: %s", form, text)
		}
	}
	if strings.Contains(report.Verdict(), "core: conforms") || !strings.Contains(junit.String(), "<failure") {
		t.Errorf("the verdict is %q, junit %s", report.Verdict(), junit.String())
	}
}

// TestStartCommand lets the suite start a server by a shell command.
func TestStartCommand(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	on := conformance.Endpoint{Transport: "tcp", Address: l.Addr().String()}
	l.Close()
	opts := at(on)
	opts.Timeout = conformance.DefaultTimeout
	opts.Start = conformance.StartCommand("env "+helperAddr+"="+on.Address+" "+os.Args[0], []conformance.Endpoint{on})
	opts.Run = []string{"get-free", "statistics-*-fresh-server"}
	if report := judge(t, opts); !report.Conforms() || len(report.Of(conformance.Passed)) != 3 {
		t.Errorf("the verdict is %q", report.Verdict())
	}
	for _, form := range []string{
		helperAddr + "=" + on.Address + " " + os.Args[0],
		"cd / && " + helperAddr + "=" + on.Address + " " + os.Args[0],
		"ulimit -n 256; export " + helperAddr + "=" + on.Address + "\n" + os.Args[0],
		"exec env " + helperAddr + "=" + on.Address + " " + os.Args[0] + " | cat",
	} {
		opts.Start = conformance.StartCommand(form, opts.Endpoints)
		opts.Run = []string{"get-free", "stop-answers-first"}
		if report := judge(t, opts); !report.Conforms() || len(report.Of(conformance.Passed)) != 2 {
			t.Errorf("%q: the verdict is %q", form, report.Verdict())
		}
	}
	opts.Start = conformance.StartCommand("echo no such luck; false", opts.Endpoints)
	if _, err := conformance.Run(context.Background(), opts); err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("got error %v, want one with what the command said", err)
	}
}
