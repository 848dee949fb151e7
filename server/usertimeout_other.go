//go:build !linux

package server

import (
	"syscall"
	"time"
)

// setUserTimeout does nothing: this platform has no such option, and a peer
// that vanishes while it is sent something is given up when the kernel stops
// sending again.
func setUserTimeout(syscall.RawConn, time.Duration) error { return nil }
