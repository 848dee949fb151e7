package server

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// setUserTimeout limits how long data that was sent may stay unconfirmed before
// the connection is given up. Accepted sockets inherit it from their listener.
func setUserTimeout(c syscall.RawConn, timeout time.Duration) error {
	var result error
	err := c.Control(func(fd uintptr) {
		result = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(timeout.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return result
}
