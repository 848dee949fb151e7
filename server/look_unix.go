//go:build unix

package server

import (
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// look reads what a socket has received, without waiting for more and regardless of its
// deadline. If there is nothing, the error is os.ErrDeadlineExceeded.
func look(c syscall.Conn, buf []byte) (n int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := raw.Control(func(fd uintptr) {
		n, err = unix.Read(int(fd), buf)
		for err == unix.EINTR {
			n, err = unix.Read(int(fd), buf)
		}
	})
	switch {
	case failed != nil:
		return 0, failed
	case err == unix.EAGAIN:
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// broken says whether a socket has failed, after a reset for example, without reading
// from it.
func broken(c syscall.Conn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	failed := false
	err = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(fds, 0)
		failed = err == nil && n > 0 && fds[0].Revents&unix.POLLERR != 0
	})
	return failed || err != nil
}
