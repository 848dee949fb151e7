//go:build linux && (amd64 || arm64 || riscv64)

package load

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"lockd/server/loop"
)

// descriptor duplicates that of a connection or a listener, which the caller then closes:
// the runtime must not watch it as well.
func descriptor(of any) (loop.FD, error) {
	raw, err := of.(syscall.Conn).SyscallConn()
	if err != nil {
		return -1, err
	}
	fd, duplicated := -1, error(nil)
	err = raw.Control(func(own uintptr) { fd, duplicated = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(err, duplicated); err != nil {
		return -1, fmt.Errorf("cannot take over a descriptor: %w", err)
	}
	return loop.FD(fd), nil
}
