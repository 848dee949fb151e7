//go:build !unix

package server

// lockDir locks nothing: this system has no such locks.
func lockDir(string) (unlock func(), err error) { return func() {}, nil }
