//go:build unix

package main

import (
	"os"
	"syscall"
)

// noFollow makes opening a symbolic link an error.
const noFollow = syscall.O_NOFOLLOW

// errLocked is the error of lockFile when another process has the lock.
var errLocked error = syscall.EWOULDBLOCK

// lockFile takes the lock of an open file, which lasts until it is closed.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
