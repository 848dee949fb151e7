package server

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// control sets the options of a listening socket, which accepted connections inherit.
// The net package sets them on connections that it accepts, but loops accept on their
// own.
func (o tcpOptions) control(_, _ string, c syscall.RawConn) error {
	var result error
	err := c.Control(func(fd uintptr) {
		set := func(level, option, value int) {
			if err := unix.SetsockoptInt(int(fd), level, option, value); err != nil && result == nil {
				result = err
			}
		}
		set(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if o.keepalive == 0 {
			set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0) // who has opened the socket may have set it
		} else {
			set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
			set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, seconds(o.keepalive))
			set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, seconds(o.interval()))
			set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, o.probes())
		}
		set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(o.userTimeout.Milliseconds())) // 0 is the kernel's
	})
	return errors.Join(err, result)
}

// seconds rounds up, as the net package does.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
