package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lockd/sim/programs"
	"lockd/sim/tlstest"
)

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "4") // scripts wait
	testscript.Main(m, map[string]func(){"lockctl": main, "lockd_waiters": main})
}

// TestScripts runs the real binary against the real daemon. Its commands besides
// testscript's:
//
//	daemon [flags]     start lockd on a free port; LOCKD_ADDR is set
//	front [clients]    put TLS in front of it, which may ask for certificates of clients;
//	                   LOCKD_ADDR is set, and PLAIN is what it was. ca.pem, me.pem and
//	                   me.key are what a client needs
//	end-daemon SIGNAL  end it by KILL or TERM
//	soon COMMAND...    run a command until it exits with 0, for at most 20 seconds
func TestScripts(t *testing.T) {
	// Under nohup the commands would begin with SIGHUP ignored. A signal that is caught is
	// none of those.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	lockd := build(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Values[daemonKey{}] = &daemon{binary: lockd, unix: filepath.Join(env.WorkDir, "socket")}
			path, err := exec.LookPath("lockctl")
			if err != nil {
				return err
			}
			env.Setenv("LOCKCTL", path)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command takes a second with the race detector
			env.Setenv("UNIX", "unix:"+filepath.Join(env.WorkDir, "socket"))
			env.Defer(func() { env.Values[daemonKey{}].(*daemon).end(syscall.SIGKILL) })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(daemonOf(ts).start(args...))
				ts.Setenv("LOCKD_ADDR", daemonOf(ts).addr)
			},
			"end-daemon": func(ts *testscript.TestScript, _ bool, args []string) {
				sig := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM}[args[0]]
				ts.Check(daemonOf(ts).end(sig))
			},
			"front": func(ts *testscript.TestScript, _ bool, args []string) { front(t, ts, len(args) > 0) },
			"soon":  soon,
		},
	})
}

// front puts TLS in front of the daemon.
func front(t *testing.T, ts *testscript.TestScript, clients bool) {
	ca, dir := tlstest.NewAuthority(t), ts.Getenv("WORK")
	ca.WriteFile(dir, "ca.pem")
	tlstest.WriteFiles(t, dir, "me", ca.Issue(24*time.Hour, "me"))
	config := &tls.Config{Certificates: []tls.Certificate{ca.Issue(24*time.Hour, "127.0.0.1", "localhost")}}
	if clients {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool()
	}
	d := daemonOf(ts)
	ts.Setenv("PLAIN", d.addr)
	ts.Setenv("LOCKD_ADDR", tlstest.Listen(t, config, "tcp", d.addr))
}

type daemonKey struct{}

func daemonOf(ts *testscript.TestScript) *daemon { return ts.Value(daemonKey{}).(*daemon) }

// soon repeats a command until it exits with 0.
func soon(ts *testscript.TestScript, not bool, args []string) {
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if err := ts.Exec(args[0], args[1:]...); (err == nil) != not {
			return
		} else if time.Since(began) > 20*time.Second {
			ts.Fatalf("%q does not come true: %v", args, err)
		}
	}
}

// build makes lockd.
func build(t testing.TB) string {
	t.Helper()
	path, err := programs.Make(t.TempDir(), "lockd")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// daemon is a lockd that runs, or has ended.
type daemon struct {
	binary, unix string
	addr         string

	mu  sync.Mutex
	cmd *exec.Cmd
}

var listening = regexp.MustCompile(`tcp=(\S+)`)

// start starts it, on the port that it had before, if there was one.
func (d *daemon) start(flags ...string) error {
	port := "-1"
	if _, old, found := strings.Cut(d.addr, ":"); found {
		port = old
	}
	cmd := exec.Command(d.binary, append([]string{"-port", port, "-ws", "0", "-unix", d.unix}, flags...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	d.cmd = cmd
	line, err := bufio.NewReader(stderr).ReadString('\n')
	m := listening.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("lockd logged %q: %w", line, errors.Join(err, d.end(syscall.SIGKILL)))
	}
	d.addr = m[1]
	go io.Copy(io.Discard, stderr)
	return nil
}

// end ends the daemon by a signal.
func (d *daemon) end(sig syscall.Signal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd == nil {
		return nil
	}
	err := d.cmd.Process.Signal(sig)
	d.cmd.Wait()
	d.cmd = nil
	return err
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "-", 0: "0s", 1250 * time.Millisecond: "1.2s", 12345 * time.Millisecond: "12s",
		3*time.Minute + 12*time.Second: "3m12s", 3*time.Hour + 30*time.Second: "3h0m", 50 * time.Hour: "2d2h",
	} {
		if got := age(d); got != want {
			t.Errorf("%d is shown as %s, not %s", d, got, want)
		}
	}
}

func TestShown(t *testing.T) {
	for name, want := range map[string]string{"a b": "a b", "": `""`, "é": "é", "a\tb": `"a\tb"`, "\x1b[2J": `"\x1b[2J"`, `a"b`: `"a\"b"`, "\xff": `"\xff"`} {
		if got := shown(name); got != want {
			t.Errorf("%q is shown as %s, not %s", name, got, want)
		}
	}
}
