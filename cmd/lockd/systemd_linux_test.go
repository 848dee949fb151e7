package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lockd/server"
)

// inChild gives the daemon the variables that systemd would, with the number of its own
// process.
const inChild = `export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$@"`

// sockets are listeners that the test holds as systemd does.
type sockets struct {
	t     *testing.T
	files []*os.File
	names []string
}

// listen opens one more, and returns its address.
func (s *sockets) listen(name, network, addr string) string {
	s.t.Helper()
	var config net.ListenConfig
	config.SetMultipathTCP(false) // as systemd
	l, err := config.Listen(s.t.Context(), network, addr)
	if err != nil {
		s.t.Fatal(err)
	}
	f, err := l.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		s.t.Fatal(err)
	}
	if u, is := l.(*net.UnixListener); is {
		u.SetUnlinkOnClose(false)
	}
	addr = l.Addr().String()
	l.Close()
	s.add(name, f)
	return addr
}

// add adds a descriptor.
func (s *sockets) add(name string, f *os.File) {
	s.t.Cleanup(func() { f.Close() })
	s.files, s.names = append(s.files, f), append(s.names, name)
}

// prepare returns a daemon that is passed the sockets, which is not started yet.
func (s *sockets) prepare(script string, flags ...string) *live {
	d := newLive(s.t, script, flags...)
	d.cmd.Stderr = d.log
	d.cmd.ExtraFiles = s.files
	d.cmd.Env = append(os.Environ(), fmt.Sprintf("LISTEN_FDS=%d", len(s.files)), "LISTEN_FDNAMES="+strings.Join(s.names, ":"))
	return d
}

// start starts a daemon that is passed the sockets, and returns the line that says where
// it listens.
func (s *sockets) start(flags ...string) (*live, string) {
	s.t.Helper()
	d := s.prepare(inChild, flags...)
	d.start()
	if !eventually(func() bool { return d.ended() || strings.Contains(d.log.String(), "lockd is ready") }) || d.ended() {
		s.t.Fatalf("lockd is not ready: %s", d.log)
	}
	_, line, _ := strings.Cut(d.log.String(), `msg="lockd is ready" `)
	line, _, _ = strings.Cut(line, "\n")
	return d, line
}

// fails starts a daemon that cannot run, and returns its log.
func (d *live) fails() string {
	d.t.Helper()
	d.start()
	if !eventually(d.ended) {
		d.t.Fatalf("it runs: %s", d.log)
	}
	if code := d.cmd.ProcessState.ExitCode(); code != exitError {
		d.t.Errorf("it ended with %d", code)
	}
	return d.log.String()
}

// asked sends g to an address and checks the reply.
func asked(t *testing.T, network, addr, name string) {
	t.Helper()
	c, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, "g "+name+"\n")
	want := "1 Lock Get Success: " + name + "\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("%s %s answers %q, %v", network, addr, got, err)
	}
}

// TestPassedSockets checks that sockets are served by their names, or else by their kind,
// and that nothing is opened in addition.
func TestPassedSockets(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"0", "1"} {
		t.Run("loops "+loops, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "lockd")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			s := &sockets{t: t}
			web := s.listen("ws", "tcp", "127.0.0.1:0")
			web2 := s.listen("lockd.socket", "tcp", "127.0.0.1:0")
			one := s.listen("tcp", "tcp", "127.0.0.1:0")
			two := s.listen("tcp", "tcp", "127.0.0.1:0")
			three := s.listen("", "tcp", "127.0.0.1:0")
			path := s.listen("lockd.socket", "unix", filepath.Join(dir, "s"))
			path2 := s.listen("unix", "unix", filepath.Join(dir, "s2"))
			_, port, _ := net.SplitHostPort(web2)
			d, ready := s.start("-loops", loops, "-port", "-1", "-ws", port)
			if want := fmt.Sprintf("ws=%s,%s tcp=%s,%s,%s unix=%s,%s", web, web2, one, two, three, path, path2); ready != want {
				t.Errorf("it listens on %s\nwant %s", ready, want)
			}
			for i, addr := range []string{one, two, three} {
				asked(t, "tcp", addr, fmt.Sprint("t", i))
			}
			asked(t, "unix", path, "u")
			asked(t, "unix", path2, "u2")
			for _, addr := range []string{web, web2} {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				c.SetDeadline(time.Now().Add(patience))
				io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
				if reply, _ := io.ReadAll(c); !strings.HasPrefix(string(reply), "HTTP/") {
					t.Errorf("%s answers %q", addr, reply)
				}
				c.Close()
			}
			if _, err := os.Lstat(d.unix); err == nil {
				t.Error("it has opened -unix, too")
			}
			d.signal(syscall.SIGTERM)
			d.exits(patience)
			for _, file := range []string{path, path2} {
				if _, err := os.Lstat(file); err != nil {
					t.Errorf("it has removed a socket that is not its own: %v", err)
				}
			}
		})
	}
}

// TestPassedAlone checks that a passed socket is enough to serve, that only its own
// protocol is not opened, and that sockets of another process are not taken.
func TestPassedAlone(t *testing.T) {
	t.Parallel()
	s := &sockets{t: t}
	addr := s.listen("lockd.socket", "tcp", "127.0.0.1:0")
	d, ready := s.start("-port", "0", "-ws", "0", "-unix", "")
	if ready != "tcp="+addr {
		t.Errorf("it listens on %s", ready)
	}
	asked(t, "tcp", addr, "x")
	d.signal(syscall.SIGTERM)
	d.exits(patience)

	d, ready = s.start("-port", "9", "-ws", "0")
	if ready != "tcp="+addr+" unix="+d.unix {
		t.Errorf("it listens on %s", ready)
	}

	d = s.prepare(`export LISTEN_PID=1; exec "$@"`, "-port", "0", "-ws", "0", "-unix", "")
	if log := d.fails(); !strings.HasPrefix(log, "lockd: nothing to serve: ") {
		t.Errorf("with sockets of another process it says %s", log)
	}
}

// TestPassedWrong checks that what is not a listening stream socket, or is called what it
// is not, is an error that names it.
func TestPassedWrong(t *testing.T) {
	t.Parallel()
	for want, add := range map[string]func(*sockets){
		"lockd: cannot listen on a socket that was passed: it is not a listening stream socket (descriptor 4, dns)\n": func(s *sockets) {
			udp, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			f, _ := udp.(*net.UDPConn).File()
			udp.Close()
			s.add("dns", f)
		},
		"lockd: cannot listen on a socket that was passed: it is not a listening stream socket (descriptor 4, unix)\n": func(s *sockets) {
			f, err := os.Open("/dev/null")
			if err != nil {
				t.Fatal(err)
			}
			s.add("unix", f)
		},
		"lockd: cannot listen on a socket that was passed: it is a TCP socket, and called unix: call it tcp or ws, or pass a unix socket (descriptor 4, unix)\n": func(s *sockets) {
			s.listen("unix", "tcp", "127.0.0.1:0")
		},
		"lockd: cannot listen on a socket that was passed: it is a unix socket, and called ws: call it unix, or pass one of TCP (descriptor 4, ws)\n": func(s *sockets) {
			s.listen("ws", "unix", filepath.Join(t.TempDir(), "s"))
		},
	} {
		s := &sockets{t: t}
		s.listen("tcp", "tcp", "127.0.0.1:0")
		add(s)
		if got := s.prepare(inChild).fails(); got != want {
			t.Errorf("it says\n%swant\n%s", got, want)
		}
	}
}

// TestPassedRestart checks that a connection that is made, and a command that is sent,
// while no daemon runs waits for the next one.
func TestPassedRestart(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"0", "1"} {
		s := &sockets{t: t}
		addrs := map[string]string{
			"tcp":  s.listen("tcp", "tcp", "127.0.0.1:0"),
			"unix": s.listen("unix", "unix", filepath.Join(t.TempDir(), "s")),
		}
		for network, addr := range addrs {
			d, _ := s.start("-loops", loops, "-ws", "0")
			asked(t, network, addr, "x")
			d.signal(syscall.SIGTERM)
			d.exits(patience)
			c, err := net.DialTimeout(network, addr, patience)
			if err != nil {
				t.Fatalf("while there is no daemon: %v", err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			io.WriteString(c, "g x\n")
			d, _ = s.start("-loops", loops, "-ws", "0")
			want := "1 Lock Get Success: x\n"
			got := make([]byte, len(want))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
				t.Errorf("the next daemon answers %q, %v", got, err)
			}
			d.end()
		}
	}
}

// TestPassedOnly checks that the variables are gone: what they announce is not for others.
func TestPassedOnly(t *testing.T) {
	t.Setenv("LISTEN_FDS", "0")
	t.Setenv("LISTEN_FDNAMES", "x")
	t.Setenv("LISTEN_PID", fmt.Sprint(os.Getpid()))
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	t.Setenv("WATCHDOG_USEC", "1000000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	o, err := parseOptions([]string{"-port", "0", "-ws", "0"}, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	queue := newQueueWriter(io.Discard)
	defer queue.Close()
	if err := serve(o, slog.New(slog.DiscardHandler), queue); !errors.Is(err, errNothing) {
		t.Errorf("got %v", err)
	}
	for _, key := range []string{"LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if value, there := os.LookupEnv(key); there {
			t.Errorf("%s is still %q", key, value)
		}
	}
}

// manager is what receives the messages of a daemon.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	env  string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "lockd")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "n")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		os.RemoveAll(dir)
	})
	return &manager{t: t, conn: conn, env: "NOTIFY_SOCKET=" + path}
}

// next returns the next message; "" if there is none in time.
func (m *manager) next(within time.Duration) string {
	m.t.Helper()
	m.conn.SetReadDeadline(time.Now().Add(within))
	buf := make([]byte, 4096)
	n, err := m.conn.Read(buf)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		m.t.Fatal(err)
	}
	return string(buf[:n])
}

// await waits for a message, and skips others.
func (m *manager) await(message string) {
	m.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if got := m.next(time.Until(deadline)); got == message {
			return
		} else if got == "" {
			m.t.Fatalf("%q has not come", message)
		}
	}
}

// TestNotify checks what a daemon tells: that it is ready when it accepts connections, how
// it is, also if it has no descriptors left, and that it stops.
func TestNotify(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	d := newLive(t, `ulimit -n 64; `+inChild, "-port", "0", "-ws", "0")
	d.cmd.Env = append(os.Environ(), m.env, "WATCHDOG_USEC=100000")
	d.cmd.Stderr = d.log
	d.start()
	if got := m.next(patience); got != "READY=1\nSTATUS=0 locks held, 0 connections" {
		t.Fatalf("the first message is %q", got)
	}
	p := d.dial("unix")
	p.wants(t, "g x", "1 Lock Get Success: x")
	m.await("STATUS=1 lock held, 1 connection")
	for range 80 {
		c, err := net.Dial("unix", d.unix)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if !eventually(func() bool { return strings.Contains(d.log.String(), "too many open files") }) {
		t.Fatalf("it has descriptors left: %s", d.log)
	}
	for m.next(time.Millisecond) != "" { // what was sent before
	}
	for range 3 {
		m.await("WATCHDOG=1")
	}
	d.signal(syscall.SIGTERM)
	m.await("STOPPING=1")
	d.exits(patience)
}

// TestNotifyFailure checks that a daemon that cannot open all its listeners is never ready.
func TestNotifyFailure(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	d := newLive(t, inChild, "-port", "-1", "-ws", "0")
	d.cmd.Stderr = d.log
	d.cmd.Env = append(os.Environ(), m.env)
	if err := os.WriteFile(d.unix, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.fails()
	if got := m.next(time.Millisecond); got != "" {
		t.Errorf("it said %q", got)
	}
}

// TestWatchdogStarves checks that the watchdog is not fed while the server is stuck.
func TestWatchdogStarves(t *testing.T) {
	m := newManager(t)
	key, path, _ := strings.Cut(m.env, "=")
	t.Setenv(key, path)
	t.Setenv("WATCHDOG_USEC", "20000")
	var mutex sync.Mutex
	s := server.New(server.Config{Mutex: &mutex})
	defer s.Close()
	n := newNotifier(s.Held, slog.New(slog.DiscardHandler))
	stop := n.ready()
	defer stop()
	for range 3 {
		m.await("WATCHDOG=1")
	}
	mutex.Lock()
	m.next(50 * time.Millisecond) // one may be under way
	for m.next(time.Millisecond) != "" {
	}
	if got := m.next(300 * time.Millisecond); got != "" {
		t.Errorf("a server that is stuck says %q", got)
	}
	mutex.Unlock()
	m.await("WATCHDOG=1")
}
