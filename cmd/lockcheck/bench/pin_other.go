//go:build !linux

package bench

import "os/exec"

// startOn starts a command, on any processor.
func startOn(cmd *exec.Cmd, _ int) error { return cmd.Start() }

// processors returns none: they cannot be chosen here.
func processors() []int { return nil }

// pin is never called, since there are no processors to choose from.
func pin(int) error { return nil }
