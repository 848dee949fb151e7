//go:build !unix

package process

import (
	"os/exec"
	"syscall"
)

// ownGroup does nothing: this system has no process groups.
func ownGroup(*exec.Cmd) {}

// endGroup ends the process of a command at once, whatever the signal: this system
// has none.
func endGroup(cmd *exec.Cmd, _ syscall.Signal) { cmd.Process.Kill() }
