//go:build unix

package process

import (
	"os/exec"
	"syscall"
)

// ownGroup gives a command a process group of its own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endGroup sends a signal to the process group of a command.
func endGroup(cmd *exec.Cmd, signal syscall.Signal) { syscall.Kill(-cmd.Process.Pid, signal) }
