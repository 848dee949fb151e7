//go:build !unix

package server

import (
	"errors"
	"syscall"
)

// look is not supported: it needs a socket that can be read without waiting.
func look(syscall.Conn, []byte) (int, error) { return 0, errors.ErrUnsupported }

// broken always returns false: only reading would tell.
func broken(syscall.Conn) bool { return false }
