//go:build linux && (amd64 || arm64 || riscv64)

package epoll

import (
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lockd/server/core"
	"lockd/server/loop"
)

// patience is how long a test waits for something that must happen.
const patience = 10 * core.Second

// kernel returns a Kernel for one test.
func kernel(t *testing.T) *Kernel {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Release)
	return k
}

// pairOf returns the two ends of a connection, the accepted one or its equivalent
// first. Both are closed at the end of the test, unless the test sets one to -1.
func pairOf(t *testing.T, network string) (ours, theirs *int) {
	t.Helper()
	var fds [2]int
	switch network {
	case "unix":
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = pair
	case "tcp":
		l, addr := listener(t)
		fds[1] = socket(t, unix.AF_INET)
		if err := unix.Connect(fds[1], addr); err != nil {
			t.Fatal(err)
		}
		unix.SetNonblock(fds[1], true)
		fds[0] = int(accept(t, kernel(t), l).fd)
	}
	t.Cleanup(func() {
		for _, fd := range fds {
			if fd >= 0 {
				unix.Close(fd)
			}
		}
	})
	return &fds[0], &fds[1]
}

func socket(t *testing.T, family int) int {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// listener returns a listening descriptor on 127.0.0.1, and its address.
func listener(t *testing.T) (int, unix.Sockaddr) {
	t.Helper()
	fd := socket(t, unix.AF_INET)
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 10); err != nil {
		t.Fatal(err)
	}
	unix.SetNonblock(fd, true)
	addr, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, addr
}

type accepted struct {
	fd   loop.FD
	peer core.Peer
}

// accept waits for a connection.
func accept(t *testing.T, k *Kernel, listener int) accepted {
	t.Helper()
	for deadline := k.Now() + patience; k.Now() < deadline; time.Sleep(time.Millisecond) {
		switch fd, peer, errno := k.Accept(loop.FD(listener)); errno {
		case 0:
			return accepted{fd, peer}
		case syscall.EAGAIN, syscall.EINTR:
		default:
			t.Fatal(errno)
		}
	}
	t.Fatal("no connection comes")
	return accepted{}
}

// events waits until there are events, at most for longest.
func events(k *Kernel, longest core.Time) []loop.Event {
	var all [16]loop.Event
	for until := k.Now() + longest; ; {
		if n := k.Wait(all[:], until); n > 0 || k.Now() >= until {
			return all[:n]
		}
	}
}

// soon is a time within which ready descriptors are reported.
const soon = 20 * core.Millisecond

func wantEvents(t *testing.T, k *Kernel, when string, want ...loop.Event) {
	t.Helper()
	longest := soon
	if len(want) > 0 {
		longest = patience
	}
	got := events(k, longest)
	if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
		t.Fatalf("%s: %+v, want %+v", when, got, want)
	}
}

func both(t *testing.T, test func(t *testing.T, network string)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) { test(t, network) })
	}
}
