package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/sim/campaign"
)

// defaultDuration is how long a command runs without any limit given.
const defaultDuration = 30 * time.Second

// simCommand plays seeds of the simulation against the server of this module.
func simCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck sim")
	var c campaignFlags
	c.add(flags)
	layer := flags.String("layer", "all", "which layer: world, loop, bubble, sockets, all of them, or canary, a wrong oracle that must fail")
	steps := flags.Int64("steps", 0, "end a deterministic world after this many byte-level steps (0: no limit)")
	return &ffcli.Command{
		Name:       "sim",
		ShortUsage: "lockcheck sim [flags]",
		ShortHelp:  "simulate the server, its clients and a bad network",
		LongHelp: `Plays seeds of four layers against the server of this source tree: the
deterministic world around its core, the same around its event loops on a fake
kernel, the real server under virtual time, and the real server on real sockets.
The first violation ends the run: its evidence is written to a folder, and the
commands that replay the seed or the evidence are printed. A single run (-runs 1) of
the first two prints the SHA-256 of its trace, which depends only on the seed.

Exit codes: 0 clean, 1 violation, 2 usage, 3 could not run, or -duration was too
short for a single run, 130 interrupted, whatever was played until then.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("sim takes no arguments, got %q", args)
			}
			layers, err := choose(*layer)
			if err != nil {
				return err
			}
			if c.runs == 0 && c.duration == 0 && *steps == 0 {
				c.duration = defaultDuration
			}
			return c.play(ctx, layers, *steps)
		},
	}
}

func choose(name string) ([]campaign.Layer, error) {
	if name == "all" {
		return campaign.Layers(), nil
	}
	layer, err := campaign.Named(name, campaign.Params{})
	if err != nil {
		return nil, usageError("%w or all", err)
	}
	return []campaign.Layer{layer}, nil
}

// parseSeed parses a number, or derives one from any other text, such as the name of
// a commit. An empty text is a random seed.
func parseSeed(text string) uint64 {
	if text == "" {
		return rand.Uint64()
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n
	}
	sum := sha256.Sum256([]byte(text))
	return binary.LittleEndian.Uint64(sum[:])
}

func defaultWorkers() int { return runtime.GOMAXPROCS(0) }

// describe summarizes a report in one line.
func describe(r campaign.Report) string {
	seconds := max(r.Elapsed.Seconds(), 0.001)
	parts := []string{fmt.Sprintf("%d runs", r.Work.Runs)}
	if r.Work.Histories > 0 {
		parts = append(parts, fmt.Sprintf("%d histories checked (%.0f/s)", r.Work.Histories, float64(r.Work.Histories)/seconds))
	}
	if r.Work.Whole > 0 {
		parts = append(parts, fmt.Sprintf("%d of them with all names together", r.Work.Whole))
	}
	if r.Work.Commands > 0 {
		parts = append(parts, fmt.Sprintf("%s commands (%s/s)", big(r.Work.Commands), big(int64(float64(r.Work.Commands)/seconds))))
	}
	if r.Work.Bytes > 0 {
		parts = append(parts, fmt.Sprintf("%s byte-level steps", big(r.Work.Bytes)))
	}
	return fmt.Sprintf("%s: %s in %.1fs", r.Layer, strings.Join(parts, ", "), seconds)
}

// big formats a number with about three digits.
func big(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f G", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.2f M", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1f k", float64(n)/1e3)
	}
	return strconv.FormatInt(n, 10)
}
