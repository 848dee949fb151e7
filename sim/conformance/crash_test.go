package conformance_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
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
