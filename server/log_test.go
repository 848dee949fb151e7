package server

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"lockd/server/core"
)

// lines is a log that a test reads.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// TestRefusalsAreLogged checks that a refused connection is logged, and that many of
// them are logged once.
func TestRefusalsAreLogged(t *testing.T) { onDrivers(t, testRefusalsAreLogged) }

func testRefusalsAreLogged(t *testing.T) {
	log := new(lines)
	_, addr := start(t, Config{Core: core.Config{MaxConnections: 1}, Logger: slog.New(slog.NewTextHandler(log, nil))})
	ask(t, connect(t, addr), "i x\n", "0 Lock Not Locked: x\n")
	for range 3 {
		if got, err := io.ReadAll(connect(t, addr)); err != nil || string(got) != "0 Too Many Connections\n" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if n := log.count("refused a connection"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.text.String())
	}
}

// TestLocksAreLogged checks the events in a verbose log: each is one line, whatever the
// name of the lock is.
func TestLocksAreLogged(t *testing.T) { onDrivers(t, testLocksAreLogged) }

func testLocksAreLogged(t *testing.T) {
	log := new(lines)
	verbose := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	_, addr := start(t, Config{Core: core.Config{MaxLocks: 3}, Logger: verbose})
	a, b := connect(t, addr), connect(t, addr)
	ask(t, a, "g a b\nsg c\n", "1 Lock Get Success: a b\n1 Shared Lock Get Success: c\n")
	ask(t, b, "g a b\nr a b\ni a b\ng \xff\"\ng d\nr \xff\"\n",
		"0 Lock Get Failure: a b\n0 Lock Release Failure: a b\n1 Lock Is Locked: a b\n1 Lock Get Success: \xff\"\n0 Lock Limit Reached: d\n1 Lock Release Success: \xff\"\n")
	long := strings.Repeat("x", 5000)
	ask(t, b, "g "+long+"\n", "1 Lock Get Success: "+long+"\n")
	a.Close()
	b.Close()
	for what, times := range map[string]int{
		`msg="lock got" conn=1 name="a b"` + "\n":                          1,
		`msg="shared lock got" conn=1 name=c holders=1` + "\n":             1,
		`msg="lock refused" conn=2 name="a b" holder=1` + "\n":             1,
		`msg="lock got" conn=2 name="\"\\xff\\\"\""` + "\n":                1,
		`msg="lock refused: too many locks are held" conn=2 name=d` + "\n": 1,
		`msg="lock released" conn=2 name="\"\\xff\\\"\""` + "\n":           1,
		`msg="lock orphaned" conn=1 name="a b"` + "\n":                     1,
		`msg="shared lock orphaned" conn=1 name=c` + "\n":                  1,
		`msg="lock orphaned" conn=2 name=` + long[:200] + "...\n":          1,
		`msg="lock released" conn=1`:                                       0,
		`name="a b" holders`:                                               0,
	} {
		waitUntil(t, what, func() bool { return log.count(what) == times })
	}
	if n := log.count("lock "); n != 10 {
		t.Errorf("%d lines of locks: %s", n, log.text.String())
	}
}

// TestWaitsAreLogged checks the events of waits and kills in a verbose log.
func TestWaitsAreLogged(t *testing.T) { onDrivers(t, testWaitsAreLogged) }

func testWaitsAreLogged(t *testing.T) {
	log := new(lines)
	verbose := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, addr := start(t, Config{Core: core.Config{Kill: true}, Logger: verbose})
	a, b := connect(t, addr), connect(t, addr)
	ask(t, a, "g x\nb 1 y\n", "1 Lock Get Success: x\n1 Shared Lock Get Success: y\n")
	ask(t, b, "w 1 g x\nw 1 b 2 y\n", "0 Wait Timeout: x\n0 Wait Timeout: y\n")
	before := s.executed()
	ask(t, b, "w 60000 g x\n", "")
	waitUntil(t, "the wait", func() bool { return s.executed() > before })
	ask(t, a, "r x\n", "1 Lock Release Success: x\n")
	ask(t, b, "k 1\n", "1 Lock Get Success: x\n1 Killed: 1\n")
	for what, times := range map[string]int{
		`msg="lock waited for" conn=2 name=x` + "\n":                     2,
		`msg="shared lock waited for" conn=2 name=y` + "\n":              1,
		`msg="lock wait timed out" conn=2 name=x` + "\n":                 1,
		`msg="shared lock wait timed out" conn=2`:                        1,
		`msg="lock got" conn=2 name=x` + "\n":                            1,
		`msg="killed by a command" conn=1` + "\n":                        1,
		`msg="shared lock orphaned" conn=1 name=y`:                       1,
		`msg=disconnected conn=1 end=dropped orphans=0 shared_orphans=1`: 1,
	} {
		waitUntil(t, what, func() bool { return log.count(what) == times })
	}
}

// TestOccasion checks that what is not logged is counted, and told the next time.
func TestOccasion(t *testing.T) {
	var o occasion
	for i, want := range []bool{true, false, false, false} {
		if skipped, yes := o.again(); yes != want || skipped != 0 {
			t.Errorf("time %d: %d, %v", i, skipped, yes)
		}
	}
	o.last.Store(time.Now().Add(-2 * warningPause).UnixNano())
	if skipped, yes := o.again(); !yes || skipped != 3 {
		t.Errorf("after the pause: %d, %v", skipped, yes)
	}
}
