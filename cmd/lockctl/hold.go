package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/client"
)

// asNo turns the refusals of a server into the exit code for no.
func asNo(err error) error {
	for _, refusal := range []error{client.ErrHeld, client.ErrFull, client.ErrTimeout, client.ErrNotFound} {
		if errors.Is(err, refusal) {
			return &exitError{exitNo, err}
		}
	}
	return err
}

func getCommand(on *server) *ffcli.Command {
	flags := on.flagSet("get")
	most := flags.Int("shared", notShared, "get a shared lock with at most `N` holders, 0 for any number")
	seconds := flags.Float64("w", 0, "wait for at most so many `seconds`")
	name := flags.String("name", "", "the `name` under which lists show who holds the lock")
	return &ffcli.Command{
		Name:       "get",
		ShortUsage: "lockctl get [flags] NAME",
		ShortHelp:  "get a lock, and hold it until lockctl is interrupted",
		LongHelp: `Prints a line when it has the lock. Holds it until it gets SIGINT or SIGTERM or, if its
standard input is a pipe, until that ends. Exits with 1 if the lock is not free, with 76
if it is lost. To run a command under a lock use lockctl run.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			lockName, err := oneName(args)
			if err != nil {
				return err
			}
			if *most < notShared {
				return usageError("-shared %d: it must be at least 0", *most)
			}
			if !(*seconds >= 0 && *seconds <= 1e9) {
				return usageError("-w %v: it must be between 0 and 1e9 seconds", *seconds)
			}
			c, err := on.dial(ctx, client.WithName(*name))
			if err != nil {
				return err
			}
			lock, err := get(ctx, c, lockName, *most, time.Duration(*seconds*float64(time.Second)))
			if err != nil {
				return asNo(err)
			}
			fmt.Printf("have %s", shown(lockName))
			if token := lock.Token(); token > 0 {
				fmt.Printf(", token %d", token)
			}
			fmt.Println()
			select {
			case <-ctx.Done():
			case <-endOfPipe(os.Stdin):
			case <-lock.Context().Done():
				return &exitError{exitLost, context.Cause(lock.Context())}
			}
			release, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return lock.Release(release)
		},
	}
}

// get gets a lock; most is notShared for an exclusive one.
func get(ctx context.Context, c *client.Client, name string, most int, wait time.Duration) (*client.Lock, error) {
	wants := wantsOf(name, most != notShared, max(most, 0))
	if wait == 0 {
		return c.TryAcquireWants(ctx, wants...)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return c.AcquireWants(ctx, wants...)
}

// endOfPipe returns a channel that is closed when a pipe has ended. It never is if the
// file is something else.
func endOfPipe(f *os.File) <-chan struct{} {
	over := make(chan struct{})
	if info, err := f.Stat(); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		go func() {
			io.Copy(io.Discard, f)
			close(over)
		}()
	}
	return over
}
