//go:build !unix

package main

import (
	"errors"
	"os"
)

const carefully = 0

var errLocked = errors.New("the file is locked")

// lockFile refuses: this system has no flock(2), and a pidfile without a lock would
// promise what it does not keep.
func lockFile(*os.File) error {
	return errors.New("this system has no locks on files; run without -pidfile")
}
