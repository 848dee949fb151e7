//go:build unix

package server

import "syscall"

// withUmask runs do while new files get no other permissions than those of mode.
// The umask is that of the whole process.
func withUmask(mode int, do func()) {
	old := syscall.Umask(0o777 &^ mode)
	defer syscall.Umask(old)
	do()
}
