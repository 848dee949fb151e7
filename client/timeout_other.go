//go:build !linux

package client

import (
	"syscall"
	"time"
)

// userTimeout leaves it to the system how long data that was sent may stay
// unacknowledged.
func userTimeout(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
