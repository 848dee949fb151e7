//go:build linux && (amd64 || arm64)

package kernel

import (
	"syscall"
	"testing"

	"lockd/server/loop"
)

// TestRoom compares what scripts of counted bytes cannot: Writable is reported only when
// much of the buffer is free, but a write succeeds whenever any of it is.
func TestRoom(t *testing.T) {
	r := newReal(t)
	for _, network := range []string{"tcp", "unix"} {
		m := New(Options{})
		listener := m.Listen(network)
		end, _ := m.Dial(listener, somebody)
		l := r.listener(network == "tcp")
		actual, _ := r.dial(l, network == "tcp")
		fd, _, errno := r.kernel.Accept(l.fd)
		if errno != 0 {
			t.Fatal(errno)
		}
		sizes := [2]int{}
		for i, e := range []far{end, actual} {
			unasked := 0
			for chunk := make([]byte, 2048); ; {
				asked := e.Poll()&loop.Writable != 0
				n, errno := e.Write(chunk)
				if asked && errno != 0 {
					t.Errorf("%s, %s: Writable, and %v", network, systems[i], errno)
				}
				if errno == syscall.EAGAIN {
					break
				}
				sizes[i] += n
				if !asked {
					unasked += n
				}
			}
			if unasked < sizes[i]/10 {
				t.Errorf("%s, %s: of %d bytes %d were taken while Writable was not reported", network, systems[i], sizes[i], unasked)
			}
		}
		t.Logf("%s: room for %v bytes", network, sizes)
		actual.Reset()
		r.kernel.Close(fd)
	}
}

// TestNoStream compares the errors of stream operations on listeners and closed
// descriptors.
func TestNoStream(t *testing.T) {
	r := newReal(t)
	for _, network := range []string{"tcp", "unix"} {
		m := New(Options{})
		listener := m.Listen(network)
		end, _ := m.Dial(listener, somebody)
		p := m.Poller()
		connection, _, _ := p.Accept(listener)
		l := r.listener(network == "tcp")
		actual, _ := r.dial(l, network == "tcp")
		accepted, _, errno := r.kernel.Accept(l.fd)
		if errno != 0 {
			t.Fatal(errno)
		}
		for i, pair := range [][2]loop.FD{{listener, l.fd}, {connection, accepted}, {999, 9999}} {
			for op, try := range map[string]func(k loop.Kernel, fd loop.FD) syscall.Errno{
				"Accept": func(k loop.Kernel, fd loop.FD) syscall.Errno { _, _, errno := k.Accept(fd); return errno },
				"Watch":  func(k loop.Kernel, fd loop.FD) syscall.Errno { return k.Watch(fd, 0, 1) },
				"Read":   func(k loop.Kernel, fd loop.FD) syscall.Errno { _, errno := k.Read(fd, make([]byte, 1)); return errno },
				"Write":  func(k loop.Kernel, fd loop.FD) syscall.Errno { _, errno := k.Write(fd, make([]byte, 1)); return errno },
			} {
				if a, b := try(p, pair[0]), try(r.kernel, pair[1]); a != b {
					t.Errorf("%s, %d: %s: fake %v, real %v", network, i, op, a, b)
				}
			}
		}
		if a, b := p.CloseWrite(listener), r.kernel.CloseWrite(l.fd); a != b {
			t.Errorf("%s: CloseWrite: fake %v, real %v", network, a, b)
		}
		end.Reset()
		actual.Reset()
		r.kernel.Close(accepted)
	}
}
