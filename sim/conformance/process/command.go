package process

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"

	"lockd/sim/transport"
)

// keepShell makes the shell ignore SIGTERM, which is for the server, and wait for the
// server to end. Commands that the shell starts do not inherit the trap.
const keepShell = "trap : TERM\n"

// Command returns a function that starts an Instance. It runs a shell command, the last part
// of which is a server that listens at the endpoints. The server is ended with SIGTERM,
// and killed if that does not help. The end of its output is part of the error if it fails
// to start, and of the report if it crashes.
func Command(command string, endpoints []transport.Endpoint) func(context.Context) (*Instance, error) {
	return func(context.Context) (*Instance, error) {
		// A process group of its own, so that what the shell starts is ended with it.
		cmd := exec.Command("sh", "-c", keepShell+command)
		ownGroup(cmd)
		output := &tail{}
		cmd.Stdout, cmd.Stderr = output, output
		cmd.WaitDelay = waitDelay
		if err := cmd.Start(); err != nil {
			return nil, fmt.Errorf("cannot start %q: %w", command, err)
		}
		exited := make(chan struct{})
		go func() {
			output.end(cmd.Wait())
			close(exited)
		}()
		return &Instance{
			Endpoints: endpoints,
			Exited:    exited,
			Output:    output.String,
			Stop: func(ctx context.Context) error {
				endGroup(cmd, syscall.SIGTERM)
				select {
				case <-exited:
				case <-ctx.Done():
				}
				endGroup(cmd, syscall.SIGKILL) // also what the server left behind
				<-exited
				return ctx.Err()
			},
		}, nil
	}
}
