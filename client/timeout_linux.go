package client

import (
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT: how long data that was sent may stay
// unacknowledged, in milliseconds. Keepalive is silent while there is such data.
const tcpUserTimeout = 18

// userTimeout returns what sets TCP_USER_TIMEOUT.
func userTimeout(d time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		if network == "unix" {
			return nil
		}
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(d.Milliseconds()))
		})
		if err == nil {
			err = failed
		}
		return err
	}
}
