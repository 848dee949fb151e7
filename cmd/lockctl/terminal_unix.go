//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// terminal is the controlling terminal. nil is none.
type terminal struct{ file *os.File }

func openTerminal() *terminal {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	return &terminal{f}
}

func (t *terminal) fd() int { return int(t.file.Fd()) }

// belongsTo says whether a process group is the one that may read, and that gets the
// signals of the keyboard.
func (t *terminal) belongsTo(group int) bool {
	if t == nil {
		return false
	}
	reads, err := unix.IoctlGetInt(t.fd(), unix.TIOCGPGRP)
	return err == nil && reads == group
}

// isTerminal says whether a file is a terminal.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil
}

// pass gives the terminal from one process group to another, if the first has it. SIGTTOU
// must be ignored.
func (t *terminal) pass(from, to int) {
	if t.belongsTo(from) {
		unix.IoctlSetPointerInt(t.fd(), unix.TIOCSPGRP, to)
	}
}
