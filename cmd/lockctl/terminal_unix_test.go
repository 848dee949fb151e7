//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// tty is a program on a pseudo-terminal.
type tty struct {
	t    *testing.T
	cmd  *exec.Cmd
	file *os.File
	seen int // bytes of out

	mu  sync.Mutex
	out bytes.Buffer
}

// onTerminal runs a program on a terminal of 24 lines and 80 columns.
func onTerminal(t *testing.T, addr, name string, args ...string) *tty {
	t.Helper()
	c := &tty{t: t, cmd: exec.Command(name, args...)}
	c.cmd.Env = append(os.Environ(), "LOCKD_ADDR="+addr, "TERM=xterm", "PS1=> ", "PATH="+filepath.Dir(lockctl(t))+":"+os.Getenv("PATH"))
	var err error
	if c.file, err = pty.StartWithSize(c.cmd, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Skipf("skipped: no pseudo-terminal: %v", err)
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := c.file.Read(buf)
			c.mu.Lock()
			c.out.Write(buf[:n])
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		c.cmd.Process.Kill()
		c.cmd.Wait()
		c.file.Close()
	})
	return c
}

// lockctl is the path of a program that behaves as lockctl: this one.
func lockctl(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lockctl")
	if err := os.Symlink(os.Args[0], path); err != nil {
		t.Fatal(err)
	}
	return path
}

func (c *tty) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// types types keys, and waits until a text is shown behind what was there before.
func (c *tty) types(keys, want string) {
	c.t.Helper()
	c.seen = len(c.text())
	if _, err := c.file.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
	c.waits(want)
}

// command types a line at a shell's prompt, and waits for a text and then the next prompt:
// keys that are typed before it are shown in front of it.
func (c *tty) command(line, want string) {
	c.t.Helper()
	c.types(line+"\n", want)
	c.waits("> ")
}

// waits waits until a text is shown behind what was seen before.
func (c *tty) waits(want string) {
	c.t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		text := c.text()
		if at := strings.Index(text[c.seen:], want); at >= 0 {
			c.seen += at + len(want)
			return
		}
		if time.Since(began) > 20*time.Second {
			c.t.Fatalf("%q does not appear; the terminal shows\n%q", want, text[max(0, len(text)-2000):])
		}
	}
}

// until waits for a condition.
func (c *tty) until(what string, condition func() bool) {
	c.t.Helper()
	for began := time.Now(); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			c.t.Fatalf("waited too long for %s", what)
		}
	}
}

// ask runs lockctl, which fails if the answer is no.
func (d *daemon) ask(t *testing.T, args ...string) error {
	c := exec.Command(lockctl(t), args...)
	c.Env = append(os.Environ(), "LOCKD_ADDR="+d.addr)
	return c.Run()
}

func startDaemon(t *testing.T) *daemon {
	d := &daemon{binary: build(t), unix: filepath.Join(t.TempDir(), "s")}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.end(syscall.SIGKILL) })
	return d
}

// TestTerminal checks that a command under lockctl run has the terminal as if it ran by
// itself: it reads, is interrupted and stopped by keys, and goes on.
func TestTerminal(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("skipped: no bash, whose job control is needed")
	}
	d := startDaemon(t)
	c := onTerminal(t, d.addr, "bash", "--norc", "--noediting", "-i")
	c.waits("> ")
	c.types("lockctl run job -- cat\n", "cat\r\n")
	c.types("one\n", "one\r\none\r\n")
	c.types("\x1a", "Stopped")
	c.waits("> ")
	c.command("lockctl inspect job", "job is held exclusively")
	c.types("fg\n", "lockctl run job -- cat\r\n")
	c.types("two\n", "two\r\ntwo\r\n")
	c.types("\x03", "> ")
	c.command("echo code $?", "code 130")
	c.command("lockctl run job -- cat &", "[1]")
	c.command("until jobs | grep -q Stopped; do sleep 0.05; done; jobs", "[1]+  Stopped") // it wanted to read
	c.types("fg\n", "lockctl run job -- cat\r\n")
	c.types("three\n", "three\r\nthree\r\n")
	c.types("\x04", "> ")
	c.command("echo code $?", "code 0")
	c.types("lockctl run job -- sh -c 'echo ready; lockctl run job -- true'\n", "\r\nready")
	// Not before the command waits: some shells lose an interrupt while they start one.
	c.until("somebody to wait for the lock", func() bool { return d.ask(t, "waiters", "job") == nil })
	c.types("\x03", "> ")
	c.command("echo code $?", "code 130")
	c.command("lockctl run job -- true; echo free", "\r\nfree")
	c.types("for i in 1 2 3; do lockctl run job -- sh -c 'echo round $0; sleep 5' $i; done\n", "\r\nround 1\r\n")
	c.types("\x03", "> ") // ends the loop as well
	c.types("bash -c 'for i in 1 2 3; do lockctl run job -- sh -c \"echo turn \\$0; sleep 5\" $i; done'\n", "\r\nturn 1\r\n")
	c.types("\x03", "> ") // and the script
	c.command("echo code $?", "code 130")
	c.types("cat | lockctl run job -- wc -c\n", "wc -c\r\n")
	c.types("four\n", "four\r\n")
	c.types("\x04", "5\r\n") // the terminal is that of cat
	if text := c.text(); strings.Contains(text, "round 2") || strings.Contains(text, "turn 2") {
		t.Errorf("the terminal shows\n%q", text[max(0, len(text)-2000):])
	}
}

// TestTop checks that top shows what is held, follows the size of the terminal, survives
// the end of the server, and restores the terminal.
func TestTop(t *testing.T) {
	d := startDaemon(t)
	hold := exec.Command(lockctl(t), "run", "-name", "worker-1", "job", "--", "sleep", "60")
	hold.Env = append(os.Environ(), "LOCKD_ADDR="+d.addr)
	if err := hold.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		hold.Process.Signal(syscall.SIGTERM)
		hold.Wait()
	}()
	c := onTerminal(t, d.addr, lockctl(t), "top", "-interval", "50ms")
	c.waits("\x1b[?1049h")
	c.waits("worker-1")
	c.types("p", "PAUSED")
	pty.Setsize(c.file, &pty.Winsize{Rows: 12, Cols: 45})
	c.types("p", "worker-1")
	d.end(syscall.SIGKILL)
	c.waits("refused")
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	c.waits("connections")
	c.types("q", "\x1b[?1049l")
	if err := c.cmd.Wait(); err != nil {
		t.Error(err)
	}
}
