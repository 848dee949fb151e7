//go:build !unix

package main

import "os"

// unread says no: this system has no signal that would ask.
func unread(*os.File) bool { return false }
