//go:build unix

package main

import "syscall"

// descriptorLimit returns how many descriptors the process may have, false if unknown.
func descriptorLimit() (int, bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return int(min(uint64(limit.Cur), 1<<31)), true
}
