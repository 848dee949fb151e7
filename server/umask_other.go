//go:build !unix

package server

// withUmask runs do: this system has no such permissions.
func withUmask(_ int, do func()) { do() }
