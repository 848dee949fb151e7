package main

import (
	"bytes"
	"errors"
	"net"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAcceptedOptions checks the options of the daemon's accepted sockets in the kernel.
func TestAcceptedOptions(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"0", "1", "3"} {
		t.Run("loops "+loops, func(t *testing.T) {
			t.Parallel()
			d := lockd(t, "-loops", loops, "-keepalive", "42s", "-write-timeout", "10s")
			for range 4 {
				d.dial("tcp").wants(t, "i x", "0 Lock Not Locked: x")
			}
			t.Run("ss", func(t *testing.T) { lookWithSS(t, d, 4) })
			t.Run("getsockopt", func(t *testing.T) { lookInside(t, d, 4) })
		})
	}
}

func lookWithSS(t *testing.T, d *live, connections int) {
	if _, err := exec.LookPath("ss"); err != nil {
		t.Skip("there is no ss")
	}
	_, port, _ := net.SplitHostPort(d.tcp)
	out, err := exec.Command("ss", "-tnoH", "state", "established", "( sport = :"+port+" )").CombinedOutput()
	if err != nil {
		t.Skipf("ss does not work here: %v: %s", err, out)
	}
	if lines, timers := bytes.Count(out, []byte("\n")), bytes.Count(out, []byte("timer:(keepalive,")); lines != connections || timers != connections {
		t.Errorf("%d connections, %d keepalive timers, want %d:\n%s", lines, timers, connections, out)
	}
}

func lookInside(t *testing.T, d *live, connections int) {
	process, err := unix.PidfdOpen(d.cmd.Process.Pid, 0)
	if err != nil {
		t.Skipf("cannot look at the descriptors of another process: %v", err)
	}
	defer unix.Close(process)
	found := 0
	for number := range 64 {
		fd, err := unix.PidfdGetfd(process, number, 0)
		if errors.Is(err, unix.EBADF) {
			continue
		}
		if err != nil {
			t.Skipf("cannot take a descriptor of another process: %v", err)
		}
		defer unix.Close(fd)
		if peer, err := unix.Getpeername(fd); err != nil || peer == nil {
			continue // not a connection
		}
		if family, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); family == unix.AF_UNIX {
			continue
		}
		found++
		for _, o := range []struct {
			name              string
			level, opt, value int
		}{
			{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 42},
			{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 14},
			{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
			{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 84_000},
		} {
			if got, err := unix.GetsockoptInt(fd, o.level, o.opt); got != o.value || err != nil {
				t.Errorf("%s of descriptor %d is %d, %v, want %d", o.name, number, got, err, o.value)
			}
		}
	}
	if found != connections {
		t.Errorf("%d connections were found, want %d", found, connections)
	}
}
