//go:build unix

package server

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// dirPatience is how long to wait for the lock of a directory: any process that may
// open the directory can take the lock and keep it.
const dirPatience = time.Second

var errDirLocked = errors.New("another process keeps its directory locked (flock)")

// lockDir serializes its callers, in all processes, that change the sockets of a
// directory, until unlock is called. A directory that may be written but not read
// cannot be locked: two servers that take the same path at the same time are not
// serialized there.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(dirPatience); ; time.Sleep(time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if err == syscall.EWOULDBLOCK {
			err = errDirLocked
		}
		if err != syscall.EINTR && err != errDirLocked || time.Now().After(deadline) {
			f.Close()
			return nil, err
		}
	}
}
