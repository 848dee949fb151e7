package process

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"

	"lockd/sim/transport"
)

// keepShell makes the shell outlive SIGTERM, which is for the server, and wait for the
// end of that. What it starts does not inherit the trap.
const keepShell = "trap : TERM\n"

// Start returns what starts an Instance: it runs a shell command, of which the last
// is a server that listens at the endpoints. It is ended with SIGTERM, and killed if
// that does not help. The last of what it wrote is part of the error when it fails to
// start, and of what is said when it ends by itself.
func Start(command string, endpoints []transport.Endpoint) func(context.Context) (*Instance, error) {
	return func(context.Context) (*Instance, error) {
		// A group of its own, so that what the shell starts is ended with it.
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
