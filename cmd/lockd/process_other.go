//go:build !linux

package main

import "time"

// runsSince is for Linux. Elsewhere a file that holds a process id is taken to be left
// by a crash.
func runsSince(pid int, t time.Time) (program string) { return "" }
