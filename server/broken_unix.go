//go:build unix

package server

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// broken says whether a socket has failed, as a reset makes it, without reading
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
