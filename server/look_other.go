//go:build !unix

package server

import (
	"errors"
	"syscall"
)

// look needs a socket that can be read without waiting.
func look(syscall.Conn, []byte) (int, error) { return 0, errors.ErrUnsupported }

// broken cannot be told without reading.
func broken(syscall.Conn) bool { return false }
