//go:build !linux

package server

import "syscall"

// control sets nothing: only loops need it, and this system has no option for a
// peer that vanishes while data is sent to it; such a connection ends when the kernel
// stops retransmitting.
func (o tcpOptions) control(_, _ string, _ syscall.RawConn) error { return nil }
