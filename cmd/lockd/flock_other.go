//go:build !unix

package main

import (
	"errors"
	"os"
)

const safeOpenFlags = 0

var errLocked = errors.New("the file is locked")

// lockFile returns an error: this system has no flock(2), and a file without a lock
// would not keep a second daemon from starting.
func lockFile(*os.File) error {
	return errors.New("this system has no file locks; run without -pidfile and -token-file")
}
