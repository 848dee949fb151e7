//go:build unix

package server

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// dirPatience is how long the lock of a directory is waited for: whoever may open the
// directory may take it, and keep it.
const dirPatience = time.Second

var errDirLocked = errors.New("somebody else keeps its directory locked (flock)")

// lockDir keeps others who ask for it from changing the sockets of a directory until
// unlock is called. One that may be written but not read cannot be locked: two
// servers that take the same path at the same time are not kept apart there.
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
