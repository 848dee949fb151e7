package main

import (
	"context"
	"fmt"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/cmd/lockcheck/load"
)

// benchCommand measures a live server.
func benchCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck bench")
	addr := flags.String("addr", "127.0.0.1:9999", "`host:port` of the lockd server")
	memcached := flags.String("memcached", "", "`host:port` of a memcached to measure alternately with it")
	clients := flags.Int("clients", 50, "connections")
	duration := flags.Duration("duration", 3*time.Second, "time of each measurement")
	rounds := flags.Int("rounds", 3, "measurements of each kind, since results vary")
	return &ffcli.Command{
		Name:       "bench",
		ShortUsage: "lockcheck bench [-addr HOST:PORT] [-memcached HOST:PORT] [flags]",
		ShortHelp:  "measure how many commands a second a server answers",
		LongHelp: `Gets and releases exclusive locks on many connections, one command at a time and
16 at once, and prints the rate and the time from sending to the last reply. With
-memcached it does the same with add and delete there, alternately, and prints the
ratio: compare within one run only.

Exit codes: 0 measured, 2 usage, 3 could not run.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("bench takes no arguments, got %q", args)
			}
			if *clients < 1 || *clients > 10_000 || *rounds < 1 || *duration <= 0 {
				return usageError("-clients go from 1 to 10000, -rounds and -duration are above 0")
			}
			for _, pipeline := range []int{1, 16} {
				for range *rounds {
					o := load.Options{Addr: *addr, Clients: *clients, Pipeline: pipeline, Duration: *duration}
					ours, err := measure(ctx, load.Lockd, o)
					if err != nil {
						return err
					}
					if *memcached == "" {
						continue
					}
					o.Addr = *memcached
					theirs, err := measure(ctx, load.Memcached, o)
					if err != nil {
						return err
					}
					fmt.Printf("%-10s %10.2f\n", "ratio", ours.PerSecond()/theirs.PerSecond())
				}
			}
			return nil
		},
	}
}

func measure(ctx context.Context, protocol load.Protocol, o load.Options) (load.Result, error) {
	r, err := load.Run(ctx, protocol, o)
	if err != nil {
		return r, &exitError{exitBroken, err}
	}
	fmt.Printf("%-10s %10.0f commands/s, %d connections, %2d at once, p50 %v, p99 %v\n", protocol.Name, r.PerSecond(), o.Clients, o.Pipeline, r.P50.Round(time.Microsecond), r.P99.Round(time.Microsecond))
	return r, nil
}
