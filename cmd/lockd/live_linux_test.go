package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Helpers of the tests of the real binary under load and faults.

// busy has an element for each test that keeps the machine busy, beside those that wait.
var busy = make(chan struct{}, 2)

// takeTurn waits until at most one other test keeps the machine busy. The end of the test
// ends its turn, unless it does so before.
func takeTurn(t testing.TB) (end func()) {
	busy <- struct{}{}
	end = sync.OnceFunc(func() { <-busy })
	t.Cleanup(end)
	return end
}

// live is a running lockd.
type live struct {
	t      testing.TB
	cmd    *exec.Cmd
	log    *liveLog
	exited chan struct{}
	tcp    string // its addresses
	unix   string
	ws     string
}

// liveLog is the log of a running lockd.
type liveLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *liveLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *liveLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// lockd starts a daemon on any free TCP and WebSocket port and a unix socket, with
// additional flags. The end of the test ends it.
func lockd(t testing.TB, flags ...string) *live {
	t.Helper()
	return startLive(t, "", nil, flags...)
}

// startLive starts lockd, in a shell if there is a script, which ends in
// `exec "$@"`.
func startLive(t testing.TB, script string, env []string, flags ...string) *live {
	t.Helper()
	d := newLive(t, script, append([]string{"-port", "-1", "-ws", "-1"}, flags...)...)
	d.cmd.Env = append(os.Environ(), env...)
	d.cmd.Stderr = d.log
	d.start()
	if !eventually(func() bool { return d.ended() || strings.Contains(d.log.String(), "lockd is ready") }) || d.ended() {
		t.Fatalf("lockd is not ready: %s", d.log)
	}
	for _, m := range addressIn.FindAllStringSubmatch(d.log.String(), -1) {
		switch m[1] {
		case "tcp":
			d.tcp = m[2]
		case "ws":
			d.ws = m[2]
		}
	}
	return d
}

// newLive returns a daemon with a unix socket that is not started yet.
func newLive(t testing.TB, script string, flags ...string) *live {
	t.Helper()
	binary, err := exec.LookPath("lockd")
	if err != nil {
		t.Fatal(err)
	}
	// The path of a unix socket must be short.
	dir, err := os.MkdirTemp("", "lockd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &live{t: t, log: new(liveLog), exited: make(chan struct{}), unix: filepath.Join(dir, "s")}
	args := append([]string{binary, "-unix", d.unix}, flags...)
	if script != "" {
		args = append([]string{"/bin/sh", "-c", script, "sh"}, args...)
	}
	d.cmd = exec.Command(args[0], args[1:]...)
	return d
}

// start starts the daemon; the end of the test ends it.
func (d *live) start() {
	d.t.Helper()
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() {
		d.cmd.Wait()
		close(d.exited)
	}()
	d.t.Cleanup(d.end)
}

// end kills the daemon, and checks its log for crashes.
func (d *live) end() {
	d.cmd.Process.Kill()
	<-d.exited
	for _, bad := range []string{"panic", "fatal error", "DATA RACE", "goroutine "} {
		if strings.Contains(d.log.String(), bad) {
			d.t.Errorf("the log says %q: %s", bad, d.log)
			return
		}
	}
}

func (d *live) ended() bool {
	select {
	case <-d.exited:
		return true
	default:
		return false
	}
}

func (d *live) signal(sig syscall.Signal) { d.cmd.Process.Signal(sig) }

// exits waits for the daemon to exit with code 0, and returns how long it took.
func (d *live) exits(longest time.Duration) time.Duration {
	d.t.Helper()
	begin := time.Now()
	select {
	case <-d.exited:
	case <-time.After(longest):
		d.t.Fatalf("it has not ended after %v: %s", longest, d.log)
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		d.t.Errorf("it has ended with %d: %s", code, d.log)
	}
	return time.Since(begin)
}

// processor returns the processor time that the daemon has used.
func (d *live) processor() time.Duration {
	d.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	var ticks time.Duration
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			d.t.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * time.Second / 100 // USER_HZ
}

// descriptors returns how many descriptors the daemon has open.
func (d *live) descriptors() int {
	d.t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	return len(files)
}

// settled returns how many descriptors the daemon has open for itself, once it serves.
func (d *live) settled() int {
	d.t.Helper()
	for _, network := range []string{"tcp", "unix"} {
		p := d.dial(network)
		if reply, err := p.rest("i x\n"); reply == "" || err != nil {
			d.t.Fatalf("it is answered %q, %v", reply, err)
		}
		p.Close()
	}
	return d.descriptors()
}

// memory returns the resident size of the daemon in bytes.
func (d *live) memory() int {
	d.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(data), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(after + " ?")[0])
	if err != nil {
		d.t.Fatal(err)
	}
	return kib << 10
}

// figures returns the reply to q.
func (d *live) figures() map[string]int {
	d.t.Helper()
	c := d.dial("unix")
	defer c.Close()
	text, err := c.rest("q\n")
	if err != nil {
		d.t.Fatalf("q is answered %q, %v", text, err)
	}
	figures := map[string]int{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		figures[key], _ = strconv.Atoi(value)
	}
	return figures
}

// address returns the address to dial on a network.
func (d *live) address(network string) string {
	if network == "unix" {
		return d.unix
	}
	return d.tcp
}

// eventually waits until so returns true; it returns false if that takes too long.
func eventually(so func() bool) bool {
	for deadline := time.Now().Add(patience); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
