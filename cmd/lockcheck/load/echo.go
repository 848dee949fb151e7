//go:build linux && (amd64 || arm64 || riscv64)

package load

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lockd/server/core"
	"lockd/server/epoll"
	"lockd/server/loop"
)

// Echo sends what it gets on a listener's connections back, until ctx ends. It does nothing
// but system calls, on one thread, which is the limit for any server that answers as many
// bytes. It closes the listener.
func Echo(ctx context.Context, listener net.Listener) error {
	defer listener.Close()
	kernel, err := epoll.New()
	if err != nil {
		return err
	}
	defer kernel.Release()
	fd, err := descriptor(listener)
	if err != nil {
		return err
	}
	e := &echo{kernel: kernel, listener: fd, unsent: map[loop.FD][]byte{}, buf: make([]byte, 64<<10)}
	defer e.close()
	stop := context.AfterFunc(ctx, kernel.Wake)
	defer stop()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return e.run(ctx)
}

type echo struct {
	kernel   *epoll.Kernel
	listener loop.FD
	unsent   map[loop.FD][]byte // of all connections; what the client does not take
	buf      []byte
}

func (e *echo) close() {
	e.kernel.Close(e.listener)
	for fd := range e.unsent {
		e.kernel.Close(fd)
	}
}

func (e *echo) run(ctx context.Context) error {
	if errno := e.kernel.Watch(e.listener, loop.Readable, uint64(e.listener)); errno != 0 {
		return fmt.Errorf("epoll: %w", errno)
	}
	events := make([]loop.Event, 512)
	for ctx.Err() == nil {
		n := e.kernel.Wait(events, core.Never)
		for _, event := range events[:n] {
			if fd := loop.FD(event.Token); fd != e.listener {
				e.serve(fd)
				continue
			}
			fd, _, errno := e.kernel.Accept(e.listener)
			if errno != 0 {
				time.Sleep(10 * time.Millisecond) // there may be no descriptor left
				continue
			}
			// Unix sockets do not know the option.
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			e.unsent[fd] = nil
			if errno := e.kernel.Watch(fd, loop.Readable, uint64(fd)); errno != 0 {
				e.end(fd)
			}
		}
	}
	return nil
}

// serve reads once and writes that, or writes what was left. A connection with something
// left is not read.
func (e *echo) serve(fd loop.FD) {
	p, left := e.unsent[fd], false
	if left = len(p) > 0; !left {
		n, errno := e.kernel.Read(fd, e.buf)
		if errno == syscall.EAGAIN {
			return
		}
		if errno != 0 || n == 0 {
			e.end(fd)
			return
		}
		p = e.buf[:n]
	}
	n, errno := e.kernel.Write(fd, p)
	if errno != 0 && errno != syscall.EAGAIN {
		e.end(fd)
		return
	}
	switch rest := p[n:]; {
	case len(rest) == 0 && left:
		e.unsent[fd] = nil
		e.kernel.Watch(fd, loop.Readable, uint64(fd))
	case len(rest) > 0 && left:
		e.unsent[fd] = rest
	case len(rest) > 0:
		e.unsent[fd] = append([]byte(nil), rest...)
		e.kernel.Watch(fd, loop.Writable, uint64(fd))
	}
}

func (e *echo) end(fd loop.FD) {
	delete(e.unsent, fd)
	e.kernel.Close(fd)
}
