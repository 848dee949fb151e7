package server

import (
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestKeepalive checks the options of an accepted connection, with which the kernel
// detects a vanished peer after twice the keepalive.
func TestKeepalive(t *testing.T) {
	l, err := ListenTCP("127.0.0.1", 0, 30*time.Second, 30*time.Second)
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
	// The net package sets them on connections that it accepts; those that a loop
	// accepts inherit the options of the listener.
	for _, source := range []syscall.Conn{c.(*net.TCPConn), l.(*net.TCPListener)} {
		raw, err := source.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		checkOptions(t, raw)
	}
}

func checkOptions(t *testing.T, raw syscall.RawConn) {
	t.Helper()
	for _, option := range []struct {
		name               string
		level, opt, wanted int
	}{
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 30},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 10},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 60_000},
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	} {
		var got int
		var err error
		raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), option.level, option.opt) })
		if err != nil || got != option.wanted {
			t.Errorf("%s is %d, %v, want %d", option.name, got, err, option.wanted)
		}
	}
}
