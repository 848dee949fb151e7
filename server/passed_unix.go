//go:build unix

package server

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// errNotListening is the error of ListenPassed for other descriptors.
var errNotListening = errors.New("it is not a listening stream socket")

// checkListening returns an error if f is not a listening stream socket.
func checkListening(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	listening := false
	err = raw.Control(func(fd uintptr) {
		kind, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE)
		if err != nil || kind != unix.SOCK_STREAM {
			return
		}
		n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		listening = err == nil && n != 0
	})
	if err == nil && !listening {
		err = errNotListening
	}
	return err
}
