//go:build !unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"lockd/client"
)

// ending are the signals that end the wait for the lock.
var ending = []os.Signal{os.Interrupt}

// under runs the command while the lock is held. On this system it does not inherit the
// lock, has no process group, and is killed without warning.
func (j *job) under(lock *client.Lock, command *exec.Cmd, signals *signals) error {
	if j.replace {
		return usageError("-F does not exist on this system")
	}
	started := time.Now()
	if err := command.Start(); err != nil {
		return &exitError{exitCannotRun, fmt.Errorf("%s cannot be run: %w", command.Path, err)}
	}
	held := lock.Context()
	stop := context.AfterFunc(held, func() {
		warn("%v", context.Cause(held))
		if j.onLost == "kill" {
			command.Process.Kill()
		}
	})
	err := command.Wait()
	if !stop() {
		return &exitError{code: exitLost}
	}
	time.Sleep(j.hold - time.Since(started))
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &exitError{code: exit.ExitCode()}
	}
	return err
}
