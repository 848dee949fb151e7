package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockd/sim/programs"
)

// TestHostile runs the real programs: lockcheck soak -hostile starts a lockd.
func TestHostile(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	lockd, err := programs.Make(p.dir, "lockd")
	if err != nil {
		t.Fatal(err)
	}
	const wide = " -seed 1 -steady 2 -raids 2 -longest 1h -growth 1000 -growth-memory 1000"
	for _, c := range []struct {
		args  string
		code  int
		print string
	}{
		{"-hostile -duration 3s -every 1s -p99 1h -start " + lockd + wide, exitClean, "soak: yes: every answer was right"},
		{"-hostile -duration 2s -p99 1ns -pause 1s -start " + lockd + wide, exitViolation, "broken: 99% of answers took"},
		{"-hostile -duration 100ms -warm-up 1m -p99 1h -start " + lockd + wide, exitBroken, "samples after the warm-up are not enough"},
		{"-hostile -start /nowhere", exitBroken, "cannot start /nowhere"},
		{"-hostile -addr 127.0.0.1:1 -ws 127.0.0.1:1", exitBroken, "the server cannot be measured"},
		{"-hostile", exitUsage, "give -start PATH, or -addr HOST:PORT"},
		{"-hostile -start x -addr 127.0.0.1:1", exitUsage, "give -start PATH, or -addr HOST:PORT"},
		{"-hostile -start x -pid 1", exitUsage, "-ws and -pid are for -addr"},
		{"-hostile -addr 127.0.0.1:1", exitUsage, "cannot be measured: give -ws"},
		{"-hostile -addr ws://127.0.0.1:1 -pid 1", exitUsage, "hostile clients need a TCP address"},
		{"-hostile -start x -runs 1", exitUsage, "-runs is for a soak without -hostile"},
		{"-hostile -start x -every 0", exitUsage, "-every is above 0"},
		{"-hostile -start x -steady 0", exitUsage, "-steady goes from 1 to 100"},
		{"-hostile -start x -growth -1", exitUsage, "cannot be negative"},
		{"-start x", exitUsage, "-start is for a soak with -hostile"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			_, wait := p.apart(t).start(t, strings.Fields("soak "+c.args)...)
			if code, out := wait(); code != c.code || !strings.Contains(out, c.print) {
				t.Errorf("%d, want %d and %q:\n%s", code, c.code, c.print, out)
			}
		})
	}
	t.Cleanup(func() { // after all of these
		for _, file := range []string{"soak-heap.pprof", "soak-goroutines.txt"} {
			found, err := filepath.Glob(filepath.Join(p.dir, "*", "lockcheck-evidence", file))
			if err != nil || len(found) != 1 {
				t.Fatalf("the profiles of a server that broke a bound are %q, %v", found, err)
			}
			if info, err := os.Stat(found[0]); err != nil || info.Size() == 0 {
				t.Errorf("the profile of a server that broke a bound: %v", err)
			}
		}
	})
	t.Run("interrupt", func(t *testing.T) {
		t.Parallel()
		begun := newFirstWrite() // of the seed, when interrupts are caught
		process, wait := p.apart(t).startTo(t, begun, strings.Fields("soak -hostile -duration 1h -p99 1h -start "+lockd+wide)...)
		begun.wait(t)
		time.Sleep(2 * time.Second)
		process.Signal(os.Interrupt)
		if code, out := wait(); code != exitInterrupted || !strings.Contains(out, "interrupted; nothing was wrong so far") {
			t.Errorf("%d\n%s", code, out)
		}
	})
}
