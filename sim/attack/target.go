package attack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// Target is the server that is attacked.
type Target struct {
	Addr string // of TCP, HOST:PORT
	Web  string // of WebSockets, HOST:PORT; empty if there is none
	PID  int    // of its process; 0 if unknown: the process is not measured

	// Probe is the program that calls Probe for Addr, and its arguments.
	Probe []string
	// Small divides the size of every attack; 1 is full size.
	Small int

	process *exec.Cmd
	conns   []net.Conn // kept until the end
	holder  net.Conn   // of the lock for which others have queued up
	queued  []net.Conn // those, among conns
}

// patience is how long a client waits for something that must happen.
const patience = 60 * time.Second

// Start starts the daemon with that path on free ports, with the flags that attacks
// need and the given ones. Stop ends it.
func Start(ctx context.Context, path string, small int, flags ...string) (*Target, error) {
	args := append([]string{"-port", "-1", "-ws", "-1", "-registry", "-dump"}, flags...)
	cmd := exec.CommandContext(ctx, path, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", path, err)
	}
	t := &Target{PID: cmd.Process.Pid, Small: small, process: cmd}
	log := bufio.NewReader(stderr)
	var said string
	for t.Addr == "" {
		line, err := log.ReadString('\n')
		said += line
		if err != nil {
			t.Stop()
			return nil, fmt.Errorf("%s does not start: %s", path, said)
		}
		if found := started.FindStringSubmatch(line); found != nil {
			t.Addr, t.Web = found[1], found[2]
		}
	}
	go io.Copy(io.Discard, log)
	return t, nil
}

var started = regexp.MustCompile(`lockd is ready.* tcp=(\S+) ws=(\S+)`)

// Stop ends the daemon, if Start has started it. It returns an error if the daemon did
// not exit cleanly.
func (t *Target) Stop() error {
	t.drop()
	if t.process == nil {
		return nil
	}
	t.process.Process.Signal(syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- t.process.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("the server ended with %w", err)
		}
		return nil
	case <-time.After(15 * time.Second):
		t.process.Process.Kill()
		<-ended
		return errors.New("the server did not stop within 15 s")
	}
}

// drop closes the kept connections.
func (t *Target) drop() {
	for _, c := range t.conns {
		c.Close()
	}
	t.conns = nil
}

// scaled returns n divided by Small, but at least 1.
func (t *Target) scaled(n int) int { return max(1, n/max(1, t.Small)) }

// dial connects to the server.
func (t *Target) dial() (net.Conn, error) {
	c, err := net.DialTimeout("tcp", t.Addr, patience)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// keep connects and keeps the connection until the end.
func (t *Target) keep() (net.Conn, error) {
	c, err := t.dial()
	if err == nil {
		t.conns = append(t.conns, c)
	}
	return c, err
}

// send sends text, and waits for that number of reply lines.
func send(c net.Conn, text []byte, lines int) error {
	c.SetDeadline(time.Now().Add(patience))
	defer c.SetDeadline(time.Time{})
	done := make(chan error, 1)
	go func() {
		_, err := c.Write(text)
		done <- err
	}()
	buf := make([]byte, 64<<10)
	for lines > 0 {
		n, err := c.Read(buf)
		for _, b := range buf[:n] {
			if b == '\n' {
				lines--
			}
		}
		if err != nil {
			return err
		}
	}
	return <-done
}

// Descriptors returns how many descriptors a process has open, 0 if unknown.
func Descriptors(pid int) int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return len(all)
}

// Memory returns the resident size of a process in bytes, 0 if unknown.
func Memory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, resident int64
	fmt.Sscan(string(text), &size, &resident)
	return resident * int64(os.Getpagesize())
}
