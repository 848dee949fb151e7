//go:build unix

package main

import (
	"os"
	"syscall"
)

// safeOpenFlags makes opening a symbolic link an error, and opening a fifo not wait.
const safeOpenFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// errLocked is the error of lockFile when another process has the lock.
var errLocked error = syscall.EWOULDBLOCK

// lockFile locks an open file until it is closed.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
