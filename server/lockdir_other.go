//go:build !unix

package server

// lockDir does nothing: this system has no such locks.
func lockDir(string) (unlock func(), err error) { return func() {}, nil }
