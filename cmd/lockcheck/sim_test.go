package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
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

// programVariable is the variable of the environment that makes this program lockcheck. A
// name would not do: lockcheck starts itself, and what is started would be the tests again.
const programVariable = "LOCKD_TEST_LOCKCHECK"

// TestMain is lockcheck if a test starts this program for that.
func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		main()
		return
	}
	flag.Set("test.parallel", "6") // much of it waits
	os.Exit(m.Run())
}

// asProgram is the environment of lockcheck.
func asProgram() []string {
	return append(os.Environ(), programVariable+"=1",
		"GORACE=atexit_sleep_ms=0") // else each takes a second with the race detector
}

func newProgram(t *testing.T) program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := program{filepath.Join(dir, "lockcheck"), dir}
	if err := os.Symlink(self, p.path); err != nil {
		t.Fatal(err)
	}
	return p
}

// apart returns the program in a folder below its own, where it keeps evidence of its own.
func (p program) apart(t *testing.T) program {
	t.Helper()
	dir, err := os.MkdirTemp(p.dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return program{p.path, dir}
}

// start starts the binary. The returned function waits for its end, and returns its
// exit code and output.
func (p program) start(t *testing.T, args ...string) (*os.Process, func() (int, string)) {
	var out bytes.Buffer
	return p.startTo(t, &out, args...)
}

// output is what a program prints.
type output interface {
	io.Writer
	fmt.Stringer
}

// startTo is start, with the output in out.
func (p program) startTo(t *testing.T, out output, args ...string) (*os.Process, func() (int, string)) {
	cmd := exec.Command(p.path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, out, out
	cmd.Env = asProgram()
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
	t.Parallel()
	p := newProgram(t)
	t.Run("interrupt", func(t *testing.T) { testInterrupt(t, p) })
	t.Run("server dies", func(t *testing.T) { testServerDies(t, p) })
	t.Run("replay commands", func(t *testing.T) { testReplayCommands(t, p) })
	t.Run("replay canary", func(t *testing.T) { testReplayCanary(t, p) })
	const good = "GOOD" // stands for the address of a server of its own
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
			t.Parallel()
			if strings.Contains(c.args, good) {
				c.args = strings.ReplaceAll(c.args, good, serve(t))
			}
			dir := p.apart(t)
			if strings.HasPrefix(c.args, "mutants") {
				dir.dir = "."
			}
			_, wait := dir.start(t, strings.Fields(c.args)...)
			if code, out := wait(); code != c.code || !strings.Contains(out, c.print) {
				t.Errorf("exit code %d, want %d, and %q in:\n%s", code, c.code, c.print, out)
			}
		})
	}
	t.Cleanup(func() { // after all of these
		evidence, err := filepath.Glob(filepath.Join(p.dir, "*", "lockcheck-evidence", "canary-*", "shrunk.txt"))
		if err != nil || len(evidence) != 1 {
			t.Errorf("the canary left the evidence %q, %v", evidence, err)
		}
	})
}

// serve serves TCP until the end of the test, and returns the address.
func serve(t *testing.T) string {
	s := server.New(server.Config{})
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	return listen(t, func(l net.Listener) { s.Serve(l) })
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
		t.Run(layer, func(t *testing.T) {
			t.Parallel()
			begun := newFirstWrite() // of the seed, when interrupts are caught
			process, wait := p.apart(t).startTo(t, begun, "sim", "-layer", layer, "-duration", "1m")
			begun.wait(t)
			time.Sleep(200 * time.Millisecond)
			if err := process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if code, out := wait(); code != exitInterrupted || !strings.Contains(out, layer+": ") || !strings.Contains(out, "interrupted after ") {
				t.Errorf("exit code %d:\n%s", code, out)
			}
		})
	}
}

// firstWrite is an output that tells when something was printed.
type firstWrite struct {
	text     bytes.Buffer
	once     sync.Once
	happened chan struct{}
}

func newFirstWrite() *firstWrite { return &firstWrite{happened: make(chan struct{})} }

func (w *firstWrite) wait(t *testing.T) {
	t.Helper()
	select {
	case <-w.happened:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing is printed")
	}
}

func (w *firstWrite) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.happened) })
	return w.text.Write(p)
}

func (w *firstWrite) String() string { return w.text.String() }

// testServerDies checks that a server that ends during a soak is not reported as a
// violation.
func testServerDies(t *testing.T, p program) {
	t.Parallel()
	s := server.New(server.Config{})
	addr := listen(t, func(l net.Listener) { s.Serve(l) })
	_, wait := p.apart(t).start(t, "soak", "-duration", "1m", "-addr", addr)
	time.Sleep(400 * time.Millisecond)
	s.Close()
	code, out := wait()
	if code != exitBroken || !strings.Contains(out, "no lock server answers at "+addr) || !strings.Contains(out, "the history so far: ") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
