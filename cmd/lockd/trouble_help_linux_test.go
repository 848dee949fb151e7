package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Helpers of the tests of the real binary under load and faults.

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

// peer is a client.
type peer struct {
	net.Conn
	r *bufio.Reader
}

// connect returns a client with a deadline of patience.
func (d *live) connect(network string) (*peer, error) {
	c, err := net.DialTimeout(network, d.address(network), patience)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(patience))
	return &peer{c, bufio.NewReaderSize(c, 1<<10)}, nil
}

// dial is connect for the goroutine of the test.
func (d *live) dial(network string) *peer {
	d.t.Helper()
	p, err := d.connect(network)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { p.Close() })
	return p
}

// ask sends a line and returns the reply line.
func (p *peer) ask(line string) (string, error) {
	if _, err := io.WriteString(p, line+"\n"); err != nil {
		return "", err
	}
	return p.line()
}

func (p *peer) line() (string, error) {
	reply, err := p.r.ReadString('\n')
	return strings.TrimSuffix(reply, "\n"), err
}

// rest sends the last lines and returns all replies, to the end of the stream.
func (p *peer) rest(lines string) (string, error) {
	if _, err := io.WriteString(p, lines); err != nil {
		return "", err
	}
	if err := p.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return "", err
	}
	all, err := io.ReadAll(p.r)
	return string(all), err
}

// wants is ask for the goroutine of the test, with the expected reply.
func (p *peer) wants(t testing.TB, line, want string) {
	t.Helper()
	if got, err := p.ask(line); got != want || err != nil {
		t.Fatalf("%s is answered %q, %v, want %q", line, got, err, want)
	}
}

// reset ends a TCP connection by a reset, which leaves no port in TIME_WAIT.
func (p *peer) reset() {
	if c, ok := p.Conn.(*net.TCPConn); ok {
		c.SetLinger(0)
	}
	p.Close()
}

// pipeline gets and releases a name, depth lines at a time, until over, and
// checks every byte of the replies. It returns the number of reply lines.
func (p *peer) pipeline(name string, depth int, over *atomic.Bool) (lines int, err error) {
	in := []byte(strings.Repeat("g "+name+"\nr "+name+"\n", depth/2))
	want := []byte(strings.Repeat("1 Lock Get Success: "+name+"\n1 Lock Release Success: "+name+"\n", depth/2))
	got := make([]byte, len(want))
	for !over.Load() {
		sent := make(chan error, 1)
		if depth < 100 {
			_, err := p.Write(in)
			sent <- err
		} else {
			// Otherwise both sides might wait until the other reads.
			go func() {
				_, err := p.Write(in)
				sent <- err
			}()
		}
		if _, err := io.ReadFull(p, got); err != nil {
			return lines, err
		}
		if err := <-sent; err != nil {
			return lines, err
		}
		if !bytes.Equal(got, want) {
			return lines, fmt.Errorf("the replies are wrong: %.200q", got)
		}
		lines += depth
	}
	return lines, nil
}

// endless sends lines for ever and checks the replies. It returns nil if the stream ends
// after a whole reply.
func (p *peer) endless(name string) error {
	first := "1 Lock Get Success: " + name + "\n"
	want := []byte(strings.Repeat(first+"1 Lock Release Success: "+name+"\n", 1000))
	cycle := len(want) / 1000
	in := []byte(strings.Repeat("g "+name+"\nr "+name+"\n", 500))
	written := make(chan struct{})
	go func() {
		defer close(written)
		for {
			if _, err := p.Write(in); err != nil {
				return
			}
		}
	}()
	defer func() {
		p.Close()
		<-written
	}()
	buf := make([]byte, 32<<10)
	for at := 0; ; {
		n, err := p.Read(buf)
		for got := buf[:n]; len(got) > 0; {
			piece := want[at:min(len(want), at+len(got))]
			if !bytes.Equal(got[:len(piece)], piece) {
				return fmt.Errorf("the replies are wrong: %.200q", got)
			}
			got = got[len(piece):]
			at = (at + len(piece)) % cycle
		}
		switch {
		case err == nil:
		case err != io.EOF:
			return err
		case at != 0 && at != len(first):
			return errors.New("the stream ends inside a reply")
		default:
			return nil
		}
	}
}

// load runs some clients at the same time until stop is called, which returns how many
// reply lines they got.
func (d *live) load(network string, clients, depth int) (stop func() int) {
	d.t.Helper()
	var over atomic.Bool
	var lines atomic.Int64
	var working sync.WaitGroup
	for i := range clients {
		p := d.dial(network)
		working.Go(func() {
			n, err := p.pipeline(fmt.Sprintf("%s-%d", network, i), depth, &over)
			if err != nil {
				d.t.Errorf("client %d of %s, after %d lines: %v", i, network, n, err)
			}
			lines.Add(int64(n))
			p.reset()
		})
	}
	stop = sync.OnceValue(func() int {
		over.Store(true)
		working.Wait()
		return int(lines.Load())
	})
	d.t.Cleanup(func() { stop() })
	return stop
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

// centiles sorts, and returns the median and the 99th percentile.
func centiles(all []time.Duration) (p50, p99 time.Duration) {
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}
