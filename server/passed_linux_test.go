package server

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// passed returns the descriptor of a socket that another process would pass, which is
// closed.
func passed(t *testing.T, socket interface{ File() (*os.File, error) }) *os.File {
	t.Helper()
	f, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestPassedOptions checks that a passed TCP listener gets the options of ListenTCP,
// whatever it had, and so do its connections.
func TestPassedOptions(t *testing.T) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	made, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	f := passed(t, made.(*net.TCPListener))
	for _, keepalive := range []time.Duration{30 * time.Second, 0} {
		l, err := ListenPassed(f, keepalive, 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, source := range []syscall.Conn{c.(*net.TCPConn), l.(syscall.Conn)} {
			raw, err := source.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			if keepalive > 0 {
				checkOptions(t, raw)
				continue
			}
			raw.Control(func(fd uintptr) {
				on, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE)
				limit, err2 := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
				if on != 0 || limit != 0 || err != nil || err2 != nil {
					t.Errorf("without keepalive SO_KEEPALIVE is %d, %v, TCP_USER_TIMEOUT %d, %v", on, err, limit, err2)
				}
			})
		}
	}
}

// TestPassedUnix checks that a unix socket that was passed stays at the end, since the
// process that has made it goes on listening, and that one of net.ListenUnix is removed.
func TestPassedUnix(t *testing.T) {
	onDrivers(t, func(t *testing.T) {
		for _, isPassed := range []bool{true, false} {
			path := filepath.Join(t.TempDir(), "s")
			made, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
			if err != nil {
				t.Fatal(err)
			}
			var l net.Listener = made
			if isPassed {
				defer made.Close()
				if l, err = ListenPassed(passed(t, made), time.Minute, time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			s := New(Config{Loops: loopsOf(t)})
			served := make(chan error, 1)
			go func() { served <- s.Serve(l) }()
			c, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(patience))
			ask(t, c, "g x\n", "1 Lock Get Success: x\n")
			c.Close()
			if _, err := os.Lstat(path); err != nil {
				t.Errorf("passed %v: %v", isPassed, err)
			}
			if err := s.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			if err := <-served; !errors.Is(err, ErrClosed) {
				t.Errorf("serving ended with %v", err)
			}
			if _, err := os.Lstat(path); (err == nil) != isPassed {
				t.Errorf("passed %v: after the end the socket is there: %v", isPassed, err)
			}
		}
	})
}

// TestPassedOther checks that what does not listen, or is no stream, is an error.
func TestPassedOther(t *testing.T) {
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[1])
	packets, err := net.Listen("unixpacket", filepath.Join(t.TempDir(), "p"))
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	file, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*os.File{
		"udp": passed(t, udp), "connected": os.NewFile(uintptr(ends[0]), "pair"),
		"seqpacket": passed(t, packets.(*net.UnixListener)), "folder": file,
	} {
		if l, err := ListenPassed(f, 0, 0); err == nil {
			l.Close()
			t.Errorf("%s: it is a listener", name)
		}
		f.Close()
	}
}
