package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"
)

// The commands that ask the server one thing.

// oneName reads the only argument of a command, a name.
func oneName(args []string) (string, error) {
	if len(args) != 1 {
		return "", usageError("%d arguments; want one, the name of a lock", len(args))
	}
	return args[0], nil
}

func inspectCommand(on *server) *ffcli.Command {
	fs := on.flagSet("inspect")
	asJSON := jsonFlag(fs)
	return &ffcli.Command{
		Name:       "inspect",
		ShortUsage: "lockctl inspect [flags] NAME",
		ShortHelp:  "say whether a lock is held, exclusively or shared",
		LongHelp:   "Exits with 0 if it is held, with 1 if it is free.",
		FlagSet:    fs,
		Exec: func(ctx context.Context, args []string) error {
			name, err := oneName(args)
			if err != nil {
				return err
			}
			_, s, err := on.session(ctx)
			if err != nil {
				return err
			}
			held, err := s.Inspect(ctx, name)
			if err != nil {
				return err
			}
			n, err := s.InspectShared(ctx, name)
			if err != nil {
				return err
			}
			switch {
			case *asJSON:
				err = printJSON(struct {
					Name   string `json:"name"`
					Held   bool   `json:"held"`
					Shared int    `json:"shared_holders"`
				}{name, held, n})
			case held && n > 0:
				_, err = fmt.Printf("%s is held exclusively, and shared by %d\n", shown(name), n)
			case held:
				_, err = fmt.Printf("%s is held exclusively\n", shown(name))
			case n > 0:
				_, err = fmt.Printf("%s is shared by %d\n", shown(name), n)
			default:
				_, err = fmt.Printf("%s is free\n", shown(name))
			}
			if err == nil && !held && n == 0 {
				return no
			}
			return err
		},
	}
}

func statsCommand(on *server) *ffcli.Command {
	fs := on.flagSet("stats")
	asJSON := jsonFlag(fs)
	return &ffcli.Command{
		Name:       "stats",
		ShortUsage: "lockctl stats [flags]",
		ShortHelp:  "show the server's statistics",
		FlagSet:    fs,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("stats takes no arguments")
			}
			_, s, err := on.session(ctx)
			if err != nil {
				return err
			}
			stats, err := s.Stats(ctx)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(struct {
					Connections   uint64            `json:"connections"`
					Locks         uint64            `json:"locks"`
					SharedLocks   uint64            `json:"shared_locks"`
					Orphans       uint64            `json:"orphans"`
					SharedOrphans uint64            `json:"shared_orphans"`
					Invalid       uint64            `json:"invalid_commands"`
					Commands      map[string]uint64 `json:"commands"`
				}(*stats))
			}
			rows := [][]string{}
			add := func(what string, n uint64) { rows = append(rows, []string{what, strconv.FormatUint(n, 10)}) }
			add("connections", stats.Connections)
			add("exclusive locks", stats.Locks)
			add("shared locks", stats.SharedLocks)
			add("exclusive orphans", stats.Orphans)
			add("shared orphans", stats.SharedOrphans)
			add("invalid commands", stats.Invalid)
			for _, word := range slices.Sorted(maps.Keys(stats.Commands)) {
				add("command "+word, stats.Commands[word])
			}
			return printTable(rows)
		},
	}
}

func killCommand(on *server) *ffcli.Command {
	return &ffcli.Command{
		Name:       "kill",
		ShortUsage: "lockctl kill [flags] CONN [TOKEN]",
		ShortHelp:  "end a connection, and release its locks",
		LongHelp: `CONN is the number of the connection, in lockctl holders and waiters. With a TOKEN of
lockctl holders it is ended only if it still holds that lock. The daemon must run with
-kill. Exits with 1 if there is no such connection.`,
		FlagSet: on.flagSet("kill"),
		Exec: func(ctx context.Context, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usageError("%d arguments; want CONN, or CONN and TOKEN", len(args))
			}
			var numbers [2]uint64
			for i, arg := range args {
				n, err := strconv.ParseUint(arg, 10, 63)
				if err != nil || n == 0 {
					return usageError("%q is not a number; want that of a connection or a token", arg)
				}
				numbers[i] = n
			}
			_, s, err := on.session(ctx)
			if err != nil {
				return err
			}
			return asNo(s.Kill(ctx, numbers[0], numbers[1]))
		},
	}
}

func pingCommand(on *server) *ffcli.Command {
	fs := on.flagSet("ping")
	timeout := fs.Duration("timeout", 5*time.Second, "give up after this `duration`")
	return &ffcli.Command{
		Name:       "ping",
		ShortUsage: "lockctl ping [flags]",
		ShortHelp:  "say whether the server answers, and how fast",
		FlagSet:    fs,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("ping takes no arguments")
			}
			ctx, cancel := context.WithTimeout(ctx, *timeout)
			defer cancel()
			_, s, err := on.session(ctx)
			if err != nil {
				return err
			}
			began := time.Now()
			if err := s.Ping(ctx); err != nil {
				return err
			}
			_, err = fmt.Printf("%s answers in %v\n", on.addr, time.Since(began).Round(time.Microsecond))
			return err
		},
	}
}

func versionCommand(on *server) *ffcli.Command {
	fs := on.flagSet("version")
	asJSON := jsonFlag(fs)
	return &ffcli.Command{
		Name:       "version",
		ShortUsage: "lockctl version [flags]",
		ShortHelp:  "show the versions of lockctl and of the server, and what the server can do",
		FlagSet:    fs,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("version takes no arguments")
			}
			c, err := on.dial(ctx)
			if err != nil {
				return err
			}
			version, features := c.Version()
			if *asJSON {
				return printJSON(struct {
					Lockctl  string   `json:"lockctl"`
					Server   string   `json:"server"`
					Features []string `json:"features"`
				}{buildVersion(), version, append([]string{}, features...)})
			}
			if version == "" {
				version = "one of the old family, which does not say"
			}
			return printTable([][]string{
				{"lockctl", buildVersion()},
				{"server", shown(version)},
				{"features", shown(strings.Join(features, " "))},
			})
		},
	}
}
