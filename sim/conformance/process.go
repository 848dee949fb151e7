package conformance

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// keepShell makes the shell outlive SIGTERM, which is for the server, and wait for the
// end of that. What it starts does not inherit the trap.
const keepShell = "trap : TERM\n"

// StartCommand returns an Options.Start that runs a shell command, of which the last
// is a server that listens at the endpoints. It is ended with SIGTERM, and killed if
// that does not help. The last of what it wrote is part of the error when it fails to
// start, and of what is said when it ends by itself.
func StartCommand(command string, endpoints []Endpoint) func(context.Context) (*Instance, error) {
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

// waitDelay bounds how long the output of a server that has ended is read.
const waitDelay = time.Second

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// tailBytes is enough for what a crash begins with and the stacks behind that.
const tailBytes = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = t.text[over:]
	}
	return len(p), nil
}

// end notes how the process has ended.
func (t *tail) end(err error) {
	if err != nil {
		fmt.Fprintf(t, "\n(%v)\n", err)
	}
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
