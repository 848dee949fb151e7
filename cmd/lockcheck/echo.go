package main

import (
	"context"
	"fmt"
	"net"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/cmd/lockcheck/load"
)

// echoCommand serves what bench compares servers with.
func echoCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck echo")
	port := flags.Int("port", 7777, "`port` on 127.0.0.1; 0 is a free one")
	return &ffcli.Command{
		Name:       "echo",
		ShortUsage: "lockcheck echo [-port PORT]",
		ShortHelp:  "send back what clients send, as fast as this machine can",
		LongHelp: `The limit for any server on this machine: one thread that reads and writes, and does
nothing else. It is for lockcheck bench -protocol echo. It needs Linux.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("echo takes no arguments, got %q", args)
			}
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
			if err != nil {
				return &exitError{exitBroken, err}
			}
			fmt.Printf("echo at %s\n", l.Addr())
			ctx, stop := interruptible(ctx)
			defer stop()
			if err := load.Echo(ctx, l); err != nil {
				return &exitError{exitBroken, err}
			}
			return nil
		},
	}
}
