//go:build !unix

package process

import (
	"os/exec"
	"syscall"
)

// ownGroup does nothing: this system has no process groups.
func ownGroup(*exec.Cmd) {}

// endGroup kills the process of a command, whatever the signal: this system has no
// signals.
func endGroup(cmd *exec.Cmd, _ syscall.Signal) { cmd.Process.Kill() }
