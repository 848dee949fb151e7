package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockd/server"
	"lockd/sim/campaign"
)

// program is the real binary, run in a folder of its own.
type program struct {
	path, dir string
}

func buildProgram(t *testing.T) program {
	dir := t.TempDir()
	p := program{filepath.Join(dir, "lockcheck"), dir}
	if out, err := exec.Command("go", "build", "-o", p.path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return p
}

// start starts the binary. The returned function waits for its end, and returns its
// exit code and output.
func (p program) start(t *testing.T, args ...string) (*os.Process, func() (int, string)) {
	var out bytes.Buffer
	cmd := exec.Command(p.path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process, func() (int, string) {
		err := cmd.Wait()
		if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), out.String()
	}
}

func TestSimAndSoak(t *testing.T) {
	p := buildProgram(t)
	t.Run("interrupt", func(t *testing.T) { testInterrupt(t, p) })
	t.Run("server dies", func(t *testing.T) { testServerDies(t, p) })
	s := server.New(server.Config{})
	good := listen(t, func(l net.Listener) { s.Serve(l) })
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	t.Run("replay commands", func(t *testing.T) { testReplayCommands(t, p, good) })
	t.Run("replay canary", func(t *testing.T) { testReplayCanary(t, p) })
	broken := listen(t, yes)
	nobody := listen(t, func(l net.Listener) { l.Close() })
	file := filepath.Join(p.dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  string
		code  int
		print string
	}{
		{"sim -layer world -runs 5 -seed 1", exitClean, "world: 5 runs"},
		{"sim -layer loop -runs 1 -seed 7", exitClean, "trace "},
		{"sim -layer bubble -runs 20 -seed 1", exitClean, "bubble: 20 runs, 20 histories checked"},
		{"sim -layer sockets -runs 20 -seed any-text", exitClean, "sockets: 20 runs, 20 histories checked"},
		{"sim -layer world -steps 1000 -seed 1", exitClean, "byte-level steps"},
		{"sim -duration 600ms", exitClean, "sockets: "},
		{"sim -duration 1ns", exitBroken, "world: nothing was played: -duration 1ns is too short"},
		{"soak -duration 1ns", exitBroken, "sockets: nothing was played"},
		{"soak -duration 1ns -addr " + good, exitBroken, "soak: nothing was played"},
		{"sim -layer canary -runs 50 -seed 1", exitViolation, "replay:   " + p.path + " sim -layer canary -seed "},
		{"sim -layer cellar", exitUsage, `there is no layer "cellar"; choose one of world, loop, bubble, sockets`},
		{"sim now", exitUsage, "takes no arguments"},
		{"sim -runs -1", exitUsage, "cannot be negative"},
		{"sim -nonsense", exitUsage, "flag provided but not defined"},
		{"sim -runs 1 -out " + file + "/below", exitBroken, "cannot write evidence"},
		{"soak -runs 20 -seed 1", exitClean, "sockets: 20 runs"},
		{"soak -runs 20 -clients 3 -names 2 -addr " + good, exitClean, "soak: 20 runs, 20 histories checked"},
		{"soak -runs 20 -addr " + broken, exitBroken, "which is not the protocol of lockd"},
		{"soak -runs 20 -addr " + nobody, exitBroken, "no lock server answers at " + nobody},
		{"soak -addr nowhere", exitUsage, "write HOST:PORT"},
		{"soak -clients 1000", exitUsage, "-clients and -names go from 0 to 64"},
		{"mutants -table no-such-file", exitBroken, "no such file"},
		{"mutants -table main.go", exitBroken, "has no place for the table"},
		{"mutants -table main.go -only get", exitUsage, "leave -only out"},
		{"mutants -only nothing-of-this-name", exitUsage, "no mutant has"},
		{"mutants -part 3/2", exitUsage, "is not K/N"},
		{"attack", exitUsage, "give -start PATH, or -addr ADDRESS"},
		{"attack -addr " + good + " -small 0", exitUsage, "want 1 or more"},
		{"attack -addr " + good + " no-such-attack", exitUsage, `there is no attack "no-such-attack"`},
		{"attack -start ./no-such-program large-end", exitBroken, "cannot start ./no-such-program"},
		{"attack -addr " + good + " -small 1000 -slack 1000 large-end", exitClean, "large-end            held"},
		{"attack -addr " + nobody + " large-end", exitBroken, "cannot prepare"},
		{"attack -addr " + nobody + " flood", exitBroken, "flood: the well-behaved client could not begin"},
		{"attack -addr " + good + " torn-handshakes", exitBroken, "torn-handshakes      skipped: it needs the HTTP port"},
		{"attack -probe -start ./no-such-program", exitUsage, "-probe needs -addr ADDRESS"},
		{"attack -probe -addr " + nobody, exitBroken, "connection refused"},
		{"attack -probe -addr " + good, exitClean, "ready\n{\"waits\":"},
		{"-version", exitClean, "lockcheck "},
		{"help", exitClean, "SUBCOMMANDS"},
		{"help attack", exitClean, "torn-handshakes"},
		{"help nothing", exitUsage, `unknown command "nothing"`},
	} {
		t.Run(c.args, func(t *testing.T) {
			dir := p
			if strings.HasPrefix(c.args, "mutants") {
				dir.dir = "."
			}
			_, wait := dir.start(t, strings.Fields(c.args)...)
			if code, out := wait(); code != c.code || !strings.Contains(out, c.print) {
				t.Errorf("exit code %d, want %d, and %q in:\n%s", code, c.code, c.print, out)
			}
		})
	}
	evidence, err := filepath.Glob(filepath.Join(p.dir, "lockcheck-evidence", "canary-*", "shrunk.txt"))
	if err != nil || len(evidence) != 1 {
		t.Errorf("the canary left the evidence %q, %v", evidence, err)
	}
}

// TestInterruptedAtOnce checks that an interrupt before the first run is not a clean
// result.
func TestInterruptedAtOnce(t *testing.T) {
	silence(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := campaignFlags{out: t.TempDir(), workers: 2, runs: 5}
	var exit *exitError
	if err := c.play(ctx, campaign.Layers(), 0); !errors.As(err, &exit) || exit.code != exitInterrupted {
		t.Errorf("got %v, want exit code %d", err, exitInterrupted)
	}
}

// testInterrupt checks that Ctrl-C ends a run gracefully, with a summary.
func testInterrupt(t *testing.T, p program) {
	for _, layer := range []string{"world", "loop", "bubble", "sockets"} {
		process, wait := p.start(t, "sim", "-layer", layer, "-duration", "1m")
		time.Sleep(400 * time.Millisecond)
		if err := process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if code, out := wait(); code != exitInterrupted || !strings.Contains(out, layer+": ") || !strings.Contains(out, "interrupted after ") {
			t.Errorf("%s: exit code %d:\n%s", layer, code, out)
		}
	}
}

// testServerDies checks that a server that ends during a soak is not reported as a
// violation.
func testServerDies(t *testing.T, p program) {
	s := server.New(server.Config{})
	addr := listen(t, func(l net.Listener) { s.Serve(l) })
	_, wait := p.start(t, "soak", "-duration", "1m", "-addr", addr)
	time.Sleep(400 * time.Millisecond)
	s.Close()
	code, out := wait()
	if code != exitBroken || !strings.Contains(out, "no lock server answers at "+addr) || !strings.Contains(out, "the history so far: ") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
