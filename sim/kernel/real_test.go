//go:build linux && (amd64 || arm64)

package kernel

import (
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"lockd/server/core"
	"lockd/server/epoll"
	"lockd/server/loop"
)

// far is the client's end of a connection, on either operating system.
type far interface {
	Read(p []byte) (int, syscall.Errno)
	Write(p []byte) (int, syscall.Errno)
	CloseWrite() syscall.Errno
	Close()
	Reset()
	Poll() loop.Ready
}

// real is the operating system that the tests run on. Its listeners are reused from
// script to script.
type real struct {
	t      *testing.T
	kernel *epoll.Kernel
	listen [2]realListener // unix, tcp
	names  int
}

type realListener struct {
	fd   loop.FD // -1 if it must be opened again
	addr unix.Sockaddr
}

// contiguous is a number below which a test leaves no descriptor free, so that the
// server's descriptors have numbers without gaps.
const contiguous = 100

// clients is the first number of the clients' descriptors, above the server's.
const clients = 400

// buffers is the size of the buffers of TCP, so that they can be filled.
const buffers = 64 << 10

func newReal(t *testing.T) *real {
	t.Helper()
	time.Sleep(time.Microsecond) // so that the runtime opens its descriptors for timers now
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		if fd >= contiguous {
			break
		}
	}
	k, err := epoll.New()
	if err != nil {
		t.Fatal(err)
	}
	r := &real{t: t, kernel: k}
	for i := range r.listen {
		r.listen[i].fd = -1
	}
	r.listener(true)
	r.listener(false)
	t.Cleanup(func() {
		for _, l := range r.listen {
			if l.fd >= 0 {
				k.Close(l.fd)
			}
		}
		k.Release()
	})
	return r
}

// nextFD returns the number that the next descriptor will have.
func (r *real) nextFD() loop.FD {
	fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
	r.must(err)
	unix.Close(fd)
	return loop.FD(fd)
}

func (r *real) must(err error) {
	if err != nil {
		r.t.Helper()
		r.t.Fatal(err)
	}
}

// listener returns one of the two listeners.
func (r *real) listener(tcp bool) *realListener {
	l := &r.listen[0]
	if tcp {
		l = &r.listen[1]
	}
	if l.fd >= 0 {
		return l
	}
	domain := unix.AF_UNIX
	r.names++
	l.addr = &unix.SockaddrUnix{Name: fmt.Sprintf("@lockd-compare-%d-%d", unix.Getpid(), r.names)}
	if tcp {
		domain = unix.AF_INET
		l.addr = &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	r.must(err)
	if tcp {
		r.tune(fd)
	}
	r.must(unix.Bind(fd, l.addr))
	r.must(unix.Listen(fd, 64))
	if tcp {
		l.addr, err = unix.Getsockname(fd)
		r.must(err)
	}
	l.fd = loop.FD(fd)
	return l
}

// tune sets options that accepted sockets inherit.
func (r *real) tune(fd int) {
	r.must(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	r.must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, buffers))
	r.must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffers))
}

// dial connects, and returns the end and its address; nil if it is refused.
func (r *real) dial(l *realListener, tcp bool) (far, core.Peer) {
	domain := unix.AF_UNIX
	if tcp {
		domain = unix.AF_INET
	}
	low, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	r.must(err)
	fd, err := unix.FcntlInt(uintptr(low), unix.F_DUPFD_CLOEXEC, clients)
	r.must(err)
	unix.Close(low)
	if tcp {
		r.tune(fd)
	}
	if err := unix.Connect(fd, l.addr); err == unix.ECONNREFUSED {
		unix.Close(fd)
		return nil, core.Peer{}
	} else {
		r.must(err)
	}
	from := core.Peer{Transport: core.Unix}
	if tcp {
		local, err := unix.Getsockname(fd)
		r.must(err)
		a := local.(*unix.SockaddrInet4)
		from = core.Peer{Addr: netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String()}
	}
	return &realEnd{fd: fd, tcp: tcp}, from
}

// closeListener closes a listener and its queue.
func (r *real) closeListener(l *realListener) {
	r.kernel.Close(l.fd)
	l.fd = -1
}

// realEnd is a socket of the client.
type realEnd struct {
	fd  int
	tcp bool
}

func (e *realEnd) Read(p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(e.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func (e *realEnd) Write(p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(e.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func (e *realEnd) CloseWrite() syscall.Errno {
	_, _, errno := syscall.RawSyscall(syscall.SYS_SHUTDOWN, uintptr(e.fd), unix.SHUT_WR, 0)
	return errno
}

func (e *realEnd) Close() { unix.Close(e.fd) }

func (e *realEnd) Reset() {
	if e.tcp {
		unix.SetsockoptLinger(e.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	unix.Close(e.fd)
}

func (e *realEnd) Poll() (r loop.Ready) {
	fds := [1]unix.PollFd{{Fd: int32(e.fd), Events: unix.POLLIN | unix.POLLOUT | unix.POLLRDHUP}}
	if n, _ := unix.Poll(fds[:], 0); n != 1 {
		return 0
	}
	for _, bit := range [...]struct {
		poll  int16
		ready loop.Ready
	}{
		{unix.POLLIN, loop.Readable}, {unix.POLLOUT, loop.Writable},
		{unix.POLLRDHUP, loop.PeerEnded}, {unix.POLLHUP, loop.Hangup}, {unix.POLLERR, loop.Error},
	} {
		if fds[0].Revents&bit.poll != 0 {
			r |= bit.ready
		}
	}
	return r
}
