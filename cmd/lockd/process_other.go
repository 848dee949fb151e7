//go:build !linux

package main

import "time"

// runsSince returns "": only on Linux it looks at processes. Elsewhere a pidfile that is
// not locked counts as left by a crash.
func runsSince(pid int, t time.Time) (program string) { return "" }
