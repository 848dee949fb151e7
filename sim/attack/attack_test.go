package attack

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"lockd/server"
	"lockd/server/core"
)

// TestMain runs the well-behaved client if TestRun starts this program for that.
func TestMain(m *testing.M) {
	if addr, found := strings.CutPrefix(os.Args[len(os.Args)-1], "probe="); found {
		if err := Probe(addr, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestJudge checks that every bound is enforced.
func TestJudge(t *testing.T) {
	a := &Attack{Stall: 100 * time.Millisecond, Growth: 10 * mib, Descriptors: 10}
	for _, c := range []struct {
		worst  time.Duration
		growth int64
		open   int
		want   string
	}{
		{100 * time.Millisecond, 10 * mib, 10, ""},
		{101 * time.Millisecond, 10 * mib, 10, "a well-behaved client waited for 101ms"},
		{time.Millisecond, 10*mib + 1, 10, "the server grew by 10 MiB"},
		{time.Millisecond, mib, 11, "the server had 11 descriptors open"},
	} {
		r := Result{Attack: a, Growth: c.growth, Open: c.open}
		r.judge([]time.Duration{time.Microsecond, c.worst, time.Microsecond})
		if got := strings.Join(r.Broken, "; "); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%+v: %q", c, got)
		}
		if verdict := strings.Contains(r.String(), "BROKEN"); verdict != (c.want != "") {
			t.Errorf("%+v: %s", c, r)
		}
	}
}

// TestRun runs a few small attacks on a server in this process. The last one ends the
// connection of the well-behaved client.
func TestRun(t *testing.T) {
	s := server.New(server.Config{Core: core.Config{Dump: true, Registry: true}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	target := &Target{Addr: l.Addr().String(), Small: 1000}
	target.Probe = []string{os.Args[0], "probe=" + target.Addr}
	defer target.Stop()
	quiet := func(context.Context, *Target) error { return nil }
	for _, a := range []*Attack{
		{Name: "dumps", Prepare: hold("g", 100_000), Do: pipeline("d\ndump\n", 20)},
		{Name: "end", Prepare: hold("sg", 100_000), Do: end},
		{Name: "unread", Do: unread(3000, "d\n", 100*time.Millisecond)},
		{Name: "loop", Do: askLoop(2, 100*time.Millisecond, "sd\n", "who\n")},
		{Name: "who", Prepare: register("x", 3000), Do: quiet},
		{Name: "waits", Prepare: both(hold("b 1", 1), queueUp(20_000, "w 60000 b 1 lock-0\nsr lock-0\n")), Do: both(endHolder, answered("Shared Lock Get Success"))},
		{Name: "time-outs", Prepare: hold("b 1", 1), Do: both(queueUp(20_000, "w 50 b 1 lock-0\n"), answered("0 Wait Timeout"))},
	} {
		a.Stall = time.Minute
		if r, err := Run(t.Context(), a, target); err != nil || len(r.Broken) > 0 || r.Asked == 0 {
			t.Errorf("%s: %+v, %v", a.Name, r, err)
		}
	}
	// One waits: of several, which begin at the same time, any may be the first.
	one := both(hold("g", 1), queueUp(1000, "w 60000 g lock-0\n"))
	wrong := &Attack{Name: "other answers", Stall: time.Minute, Prepare: one, Do: both(endHolder, answered("0 Wait Timeout"))}
	if r, err := Run(t.Context(), wrong, target); err != nil || len(r.Broken) == 0 {
		t.Errorf("clients that wait are answered otherwise: %+v, %v", r, err)
	}
	kill := &Attack{Name: "kill", Stall: time.Minute, Do: func(context.Context, *Target) error { s.Close(); return nil }}
	if r, err := Run(t.Context(), kill, target); err != nil || len(r.Broken) == 0 {
		t.Errorf("a server that dies: %+v, %v", r, err)
	}
	if r, err := Run(t.Context(), kill, target); err == nil || !strings.Contains(err.Error(), "the well-behaved client could not begin: dial tcp") {
		t.Errorf("a server that is not there: %+v, %v", r, err)
	}
}
