//go:build linux && (amd64 || arm64 || riscv64)

package epoll

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lockd/server/core"
	"lockd/server/loop"
)

// TestAccept checks the accepted connections and their peers against the net package.
func TestAccept(t *testing.T) {
	k := kernel(t)
	for _, c := range []struct{ name, network, listen, dial string }{
		{"IPv4", "tcp", "127.0.0.1:0", "127.0.0.1"},
		{"IPv6", "tcp", "[::1]:0", "::1"},
		{"IPv4-mapped", "tcp", "[::]:0", "127.0.0.1"},
		{"IPv6 on all interfaces", "tcp", "[::]:0", "::1"},
		{"link-local", "tcp", "[::]:0", linkLocal()},
		{"unix", "unix", t.TempDir() + "/s", ""},
		{"abstract unix", "unix", "@lockd-epoll-test", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.network == "tcp" && c.dial == "" {
				t.Skip("no interface has such an address")
			}
			l, err := net.Listen(c.network, c.listen)
			if err != nil {
				t.Skipf("cannot listen: %v", err)
			}
			defer l.Close()
			raw, err := l.(syscall.Conn).SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			to := l.Addr().String()
			if c.network == "tcp" {
				_, port, _ := net.SplitHostPort(to)
				to = net.JoinHostPort(c.dial, port)
			}
			var got accepted
			var empty syscall.Errno
			raw.Control(func(fd uintptr) { _, _, empty = k.Accept(loop.FD(fd)) })
			if empty != syscall.EAGAIN {
				t.Fatalf("Accept from an empty queue gives %v", empty)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			client, err := new(net.Dialer).DialContext(ctx, c.network, to)
			if err != nil {
				t.Skipf("cannot connect: %v", err)
			}
			defer client.Close()
			raw.Control(func(fd uintptr) { got = accept(t, k, int(fd)) })
			defer k.Close(got.fd)
			want := core.Peer{Transport: core.Unix}
			if c.network == "tcp" {
				want = core.Peer{Addr: client.LocalAddr().String()}
			}
			if got.peer != want {
				t.Errorf("the peer is %+v, want %+v", got.peer, want)
			}
			status, err := unix.FcntlInt(uintptr(got.fd), unix.F_GETFL, 0)
			if err != nil || status&unix.O_NONBLOCK == 0 {
				t.Errorf("its status is %x, %v", status, err)
			}
			flags, err := unix.FcntlInt(uintptr(got.fd), unix.F_GETFD, 0)
			if err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("its flags are %x, %v", flags, err)
			}
		})
	}
	if _, _, errno := k.Accept(-1); errno != syscall.EBADF {
		t.Errorf("Accept from no descriptor gives %v", errno)
	}
}

// linkLocal is a link-local address of this host with its zone, "" if it has
// none.
func linkLocal() string {
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err == nil && prefix.Addr().Is6() && prefix.Addr().IsLinkLocalUnicast() {
				return prefix.Addr().WithZone(i.Name).String()
			}
		}
	}
	return ""
}

// TestAcceptWithoutDescriptors checks that a lack of descriptors is reported, and
// that the connection stays in the queue.
func TestAcceptWithoutDescriptors(t *testing.T) {
	k := kernel(t)
	l, addr := listener(t)
	client := socket(t, unix.AF_INET)
	defer unix.Close(client)
	if err := unix.Connect(client, addr); err != nil {
		t.Fatal(err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	// The lowest free number is above a limit of 3.
	none := limit
	none.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Skip(err)
	}
	_, _, errno := k.Accept(loop.FD(l))
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if errno != syscall.EMFILE {
		t.Errorf("Accept gives %v", errno)
	}
	unix.Close(int(accept(t, k, l).fd))
}
