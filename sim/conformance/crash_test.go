package conformance_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockd/server"
	"lockd/server/core"
	"lockd/sim/conformance"
	"lockd/sim/conformance/process"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/transport"
)

// diesAtNUL is a server that stops serving when it receives a NUL.
func diesAtNUL() defect {
	return defect{config: full, packet: func(p *peer, data []byte) []byte {
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

// TestServerDies has a server that dies in the middle of the run. As the suite can restart
// it, every case gets a result, and only those that kill it fail.
func TestServerDies(t *testing.T) {
	t.Parallel()
	found := judge(t, conformance.Options{
		Start: diesAtNUL().start(t, "tcp"), Timeout: 300 * time.Millisecond, Run: []string{"name-*", "get-re*", "blank-*"},
	})
	if len(found.Crashes) == 0 || found.Died != nil || found.Conforms() || found.Tallies()[protocol.Core].Failed != 2 {
		t.Errorf("died: %v, crashes: %v, the verdict is %q", found.Died, found.Crashes, found.Verdict())
	}
	if got := strings.Join(failedIn(found), " "); got != "name-is-echoed-bytewise name-with-control-bytes" {
		t.Errorf("failed: %s", got)
	}
	if n := len(found.Of(report.NotRun)); n != 0 {
		t.Errorf("%d cases were not run", n)
	}
}

// TestServerDiesWithoutStart has a server that dies and that the suite cannot restart.
func TestServerDiesWithoutStart(t *testing.T) {
	t.Parallel()
	instance, err := diesAtNUL().start(t, "tcp")(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Stop(t.Context())
	opts := at(instance.Endpoints[0])
	opts.Run = []string{"name-*", "statistics-*"}
	found, err := conformance.Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if found.Died == nil || found.Conforms() || len(found.Of(report.NotRun)) == 0 || found.Tallies()[protocol.Core].Failed == 0 {
		t.Errorf("died: %v, %d not run, the verdict is %q", found.Died, len(found.Of(report.NotRun)), found.Verdict())
	}
}

// helperAddr makes a copy of this test binary serve at an address.
const helperAddr = "CONFORMANCE_HELPER_ADDR"

func TestMain(m *testing.M) {
	if addr := os.Getenv(helperAddr); addr != "" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			panic(err)
		}
		s := server.New(server.Config{Core: core.Config{Registry: true, Dump: true}})
		go s.Serve(l)
		waitForEnd(s)
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil { // most tests here wait
		panic(err)
	}
	os.Exit(m.Run())
}

// helperCrash makes the copy crash after so many connections, if the file of helperOnce does not exist,
// which it then creates.
const (
	helperCrash = "CONFORMANCE_HELPER_CRASH"
	helperOnce  = "CONFORMANCE_HELPER_ONCE"
)

// waitForEnd waits for SIGTERM and then shuts the server down, or crashes.
func waitForEnd(s *server.Server) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	if after, err := strconv.ParseUint(os.Getenv(helperCrash), 10, 64); err == nil {
		if f, err := os.OpenFile(os.Getenv(helperOnce), os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			for s.Measures().Accepted[core.TCP] < after {
				time.Sleep(time.Millisecond)
			}
			panic("this is the end")
		}
	}
	<-stop
	s.Shutdown(context.Background())
}

// TestCrashOnce has a server that crashes shortly after its first start only: it has
// deviated, although it conforms after the restart, and the report shows why.
func TestCrashOnce(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts := at(transport.Endpoint{Transport: "tcp", Address: l.Addr().String()})
	l.Close()
	opts.Timeout = conformance.DefaultTimeout
	opts.Skip = bulk
	opts.Start = process.Command(fmt.Sprintf("%s=%s %s=40 %s=%s/once %s",
		helperAddr, opts.Endpoints[0].Address, helperCrash, helperOnce, t.TempDir(), os.Args[0]), opts.Endpoints)
	found := judge(t, opts)
	var text, junit strings.Builder
	found.WriteText(&text, false)
	found.WriteJUnit(&junit)
	if found.Conforms() || len(found.Crashes) != 1 || found.Tallies()[protocol.Core].Failed == 0 || len(found.Of(report.NotRun)) > 0 {
		t.Errorf("%d crashes, the verdict is %q", len(found.Crashes), found.Verdict())
	}
	for _, r := range found.Of(report.Failed) {
		if !r.Crash || r.Cited[0].ID != "BAD-6" {
			t.Errorf("%s has failed for another reason: %v", r.ID, r.Failure)
		}
	}
	for form, text := range map[string]string{"text": text.String(), "junit": junit.String()} {
		if !strings.Contains(text, "panic: this is the end") || strings.Contains(text, "    hint   ") {
			t.Errorf("%s: %s", form, text)
		}
	}
	if strings.Contains(found.Verdict(), "core: conforms") || !strings.Contains(junit.String(), "<failure") {
		t.Errorf("the verdict is %q, junit %s", found.Verdict(), junit.String())
	}
}

// TestStartCommand starts the server with shell commands.
func TestStartCommand(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	on := transport.Endpoint{Transport: "tcp", Address: l.Addr().String()}
	l.Close()
	opts := at(on)
	opts.Timeout = conformance.DefaultTimeout
	opts.Start = process.Command("env "+helperAddr+"="+on.Address+" "+os.Args[0], []transport.Endpoint{on})
	opts.Run = []string{"get-free", "statistics-*-fresh-server"}
	if found := judge(t, opts); !found.Conforms() || len(found.Of(report.Passed)) != 3 {
		t.Errorf("the verdict is %q", found.Verdict())
	}
	for _, form := range []string{
		helperAddr + "=" + on.Address + " " + os.Args[0],
		"cd / && " + helperAddr + "=" + on.Address + " " + os.Args[0],
		"ulimit -n 256; export " + helperAddr + "=" + on.Address + "\n" + os.Args[0],
		"exec env " + helperAddr + "=" + on.Address + " " + os.Args[0] + " | cat",
	} {
		opts.Start = process.Command(form, opts.Endpoints)
		opts.Run = []string{"get-free", "stop-answers-first"}
		if found := judge(t, opts); !found.Conforms() || len(found.Of(report.Passed)) != 2 {
			t.Errorf("%q: the verdict is %q", form, found.Verdict())
		}
	}
	opts.Start = process.Command("echo no such luck; false", opts.Endpoints)
	if _, err := conformance.Run(context.Background(), opts); err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("got error %v, want one with the output of the command", err)
	}
}
