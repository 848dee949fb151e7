//go:build !unix

package main

// descriptorLimit returns nothing: this system has no such limit.
func descriptorLimit() (int, bool) { return 0, false }
