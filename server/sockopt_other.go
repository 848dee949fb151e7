//go:build !linux

package server

import "syscall"

// control sets nothing: only loops need it, and this system has no option for a
// peer that vanishes while it is sent something; it is given up when the kernel
// stops sending again.
func (o tcpOptions) control(_, _ string, _ syscall.RawConn) error { return nil }
