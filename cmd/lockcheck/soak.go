package main

import (
	"context"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/sim/campaign"
	"lockd/sim/soak"
	"lockd/sim/transport"
)

// soakCommand tests a server on real sockets with many concurrent clients.
func soakCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck soak")
	var c campaignFlags
	c.add(flags)
	addr := flags.String("addr", "", "the server: HOST:PORT, tls://HOST:PORT, unix:PATH, ws://HOST:PORT or wss://HOST:PORT (default: a lockd in this process)")
	var tls tlsFlags
	tls.add(flags)
	clients := flags.Int("clients", 0, "concurrent clients (0: 2 to 6, depending on the seed; more than 8 make the check expensive)")
	names := flags.Int("names", 0, "names that they contend for (0: 1 to 3, depending on the seed)")
	var hostile hostileFlags
	hostile.add(flags)
	return &ffcli.Command{
		Name:       "soak",
		ShortUsage: "lockcheck soak [-addr ADDRESS | -hostile -start PATH] [flags]",
		ShortHelp:  "let clients contend for locks and check that what they saw is linearizable",
		LongHelp: `Lets clients contend for a few names over real sockets and end their connections in
every possible way, and checks with porcupine that some order of all operations
explains what they saw. The server may be lockd or any other of the family; other
clients may use it meanwhile.

With -hostile, clients of a lockd do so for -duration, by default an hour, beside
others that know every answer in advance and are timed, and hostile ones that make
these attacks in an order that -seed decides:

` + soak.RaidNames() + `
At the end no answer may have been wrong, answers must have come in time, the memory,
descriptors and goroutines of the server must have stayed the same, and what clients
had must be gone. Attack only your own servers.

Exit codes: 0 clean, 1 violation or a broken bound, 2 usage, 3 could not run to the
end, or -duration was too short, 130 interrupted, whatever was played until then.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("soak takes no arguments, got %q", args)
			}
			if *clients < 0 || *names < 0 || *clients > 64 || *names > 64 {
				return usageError("-clients and -names go from 0 to 64")
			}
			if c.runs == 0 && c.duration == 0 {
				c.duration = defaultDuration
			}
			if err := hostile.misplaced(flags); err != nil {
				return err
			}
			if hostile.on {
				return hostile.play(ctx, &c, *addr)
			}
			if *addr == "" {
				return c.play(ctx, []campaign.Layer{campaign.Sockets(*clients, *names)}, 0)
			}
			endpoint, err := transport.Parse(*addr)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			if err := tls.apply(&endpoint); err != nil {
				return err
			}
			c.workers = 1
			return c.play(ctx, []campaign.Layer{campaign.Remote(endpoint, *clients, *names)}, 0)
		},
	}
}
