package client

import (
	"bufio"
	"context"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"lockd/sim/programs"
)

// daemon is a running lockd, in a process of its own.
type daemon struct {
	t     testing.TB
	cmd   *exec.Cmd
	tcp   string
	unix  string // address, with unix:
	flags []string
	// within is a command that runs the daemon in another network; nil is ours.
	within []string
}

// binary makes lockd once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "lockd-client-*")
	if err != nil {
		return "", err
	}
	return programs.Make(dir, "lockd")
})

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "6") // most of them wait
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// start starts a daemon on free ports.
func start(t testing.TB, flags ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, flags: flags}
	d.unix = "unix:" + filepath.Join(t.TempDir(), "s")
	t.Cleanup(d.kill)
	d.run("-1")
	return d
}

var listening = regexp.MustCompile(`tcp=(\S+)`)

// run runs the daemon on a TCP port.
func (d *daemon) run(port string) {
	d.t.Helper()
	path, err := binary()
	if err != nil {
		d.t.Fatal(err)
	}
	args := slices.Concat(d.within, []string{path, "-port", port, "-ws", "0", "-unix", d.unix[len("unix:"):]}, d.flags)
	d.cmd = exec.Command(args[0], args[1:]...)
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	line, err := bufio.NewReader(stderr).ReadString('\n')
	m := listening.FindStringSubmatch(line)
	if m == nil {
		d.t.Fatalf("the daemon logged %q, %v", line, err)
	}
	go io.Copy(io.Discard, stderr)
	d.tcp = m[1]
}

func (d *daemon) signal(s syscall.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatal(err)
	}
}

// kill kills the daemon, unless it has ended.
func (d *daemon) kill() {
	if d.cmd != nil && d.cmd.Process != nil {
		d.cmd.Process.Kill()
		d.cmd.Wait()
	}
}

// testContext returns a context that ends with the test, or after a minute.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// dial connects.
func dial(t testing.TB, addr string, opts ...Option) *Client {
	t.Helper()
	c, err := Dial(testContext(t), addr, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// session opens a session.
func session(t testing.TB, c *Client) *Session {
	t.Helper()
	s, err := c.Session(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
