package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/cmd/lockcheck/bench"
	"lockd/cmd/lockcheck/load"
)

// benchFlags are the flags of lockcheck bench.
type benchFlags struct {
	set             *flag.FlagSet
	protocol, mix   string
	options         load.Options
	matrix          bench.Matrix
	held            int
	rounds          int
	compare         bool
	quick, thorough bool
	memory          bool
	lockd           string
	json, html      string
}

// benchCommand measures servers.
func benchCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck bench")
	b := &benchFlags{set: flags, matrix: bench.Matrix{Connections: []int{50}, Depths: []int{1}, NameBytes: []int{15}, Rates: []float64{0}}}
	o, m := &b.options, &b.matrix
	flags.StringVar(&o.Addr, "addr", "127.0.0.1:9999", "`address` of the server: HOST:PORT or unix:PATH")
	flags.StringVar(&b.protocol, "protocol", "lockd", "what it speaks: lockd, memcached, redis, dflockd or echo")
	flags.Var(numbers[int]{&m.Connections, strconv.Atoi}, "connections", "`number` of connections, up to 20000")
	flags.Var(numbers[int]{&m.Depths, strconv.Atoi}, "depth", "`commands` that a connection sends at once")
	flags.IntVar(&o.Names, "names", 16, "names that a connection uses in turn, and as many for all together")
	flags.Var(numbers[int]{&m.NameBytes, strconv.Atoi}, "name-bytes", "`length` of a name, at least")
	flags.StringVar(&b.mix, "mix", "exclusive", "commands, with weights: exclusive and shared acquire and release, wait waits for it, inspect looks, as in `exclusive:8,inspect:2`")
	flags.Float64Var(&o.Contention, "contention", 0, "the `share` of the names that all connections use, 0 to 1")
	flags.Var(numbers[float64]{&m.Rates, parseFloat}, "rate", "`commands` a second that are due, whether or not replies are late (0: as fast as they come)")
	flags.IntVar(&b.held, "held", 0, "locks that 20 other connections hold meanwhile, up to 20 million; for -protocol lockd")
	flags.Uint64Var(&o.Seed, "seed", 1, "the same seed chooses the same commands and names")
	flags.DurationVar(&o.Duration, "duration", 3*time.Second, "time of each measurement (with -compare 1s, -quick 600ms, -thorough 3s)")
	flags.DurationVar(&o.Warmup, "warmup", 500*time.Millisecond, "time before each measurement (with -compare 200ms, -quick 100ms)")
	flags.IntVar(&b.rounds, "rounds", 3, "measurements, since results vary (with -compare 5, -thorough 11)")
	flags.BoolVar(&b.compare, "compare", false, "start lockd and, where installed, memcached, redis-server and dflockd, and measure them in turn")
	flags.BoolVar(&b.quick, "quick", false, "with -compare: in a minute or two")
	flags.BoolVar(&b.thorough, "thorough", false, "with -compare: for an hour")
	flags.BoolVar(&b.memory, "memory", true, "with -compare: measure the memory for a lock and for a connection, too")
	flags.StringVar(&b.lockd, "lockd", "", "with -compare: the `program` (default: beside lockcheck, or in the PATH)")
	flags.StringVar(&b.json, "json", "", "write the results to this JSON `file` too; - is standard output, instead of the text")
	flags.StringVar(&b.html, "html", "", "write the results to this HTML `file` too, with plots")
	return &ffcli.Command{
		Name:       "bench",
		ShortUsage: "lockcheck bench [-addr ADDRESS] [-protocol NAME] [flags]\n  lockcheck bench -compare [-quick | -thorough] [flags]",
		ShortHelp:  "measure rates and latencies of a server, or of several side by side",
		LongHelp: `Puts a load on a server, from one thread, and prints the rate, and how long
commands took from when they were sent, or were due if there is a -rate, to their
replies.

-connections, -depth, -name-bytes and -rate take one number, or several with commas
between; then all loads that these make are measured, in turn.

With -compare it starts the servers, all on one processor and the load on another,
plays the rounds of all in turn, and prints the ratios. The loads are a matrix of 1,
50 and 1000 connections, 1, 16 and 64 commands at once, and names of 15 and 250 bytes,
unless -connections, -depth and -name-bytes say otherwise. It also measures the memory
for a lock and for a connection. The echo is lockcheck itself, one thread that
sends back what it gets: hardly a server with one thread is faster. Compare within one
run only.

  lockcheck bench -connections 10,100,1000 -depth 1,16 -html bench.html
  lockcheck bench -rate 100000 -mix exclusive:8,shared:1,inspect:1
  lockcheck bench -mix wait -contention 1 -names 10
  lockcheck bench -compare -quick -html bench.html

It needs Linux. Exit codes: 0 measured, 2 usage, 3 could not run, 130 interrupted,
after what was measured is printed.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("bench takes no arguments, got %q", args)
			}
			if b.rounds < 1 || b.rounds > 1000 {
				return usageError("-rounds go from 1 to 1000, got %d", b.rounds)
			}
			if err := b.check(); err != nil {
				return err
			}
			ctx, stop := interruptible(ctx)
			defer stop()
			report, err := b.measure(ctx)
			report.Command = b.called()
			if ctx.Err() != nil {
				err = &exitError{exitInterrupted, errors.New("interrupted")}
			}
			if report.Empty() { // files with earlier results stay as they are
				return err
			}
			return errors.Join(err, b.write(report))
		},
	}
}

// check says which flags do not go together.
func (b *benchFlags) check() (err error) {
	switch {
	case b.quick && b.thorough:
		return usageError("-quick or -thorough, not both")
	case b.html == "-":
		return usageError("-html needs the name of a file; - is for -json")
	case b.html != "" && b.html == b.json:
		return usageError("-json and -html are the same file, %q", b.html)
	}
	of := map[string]bool{} // with -compare, or without
	for _, name := range []string{"quick", "thorough", "memory", "lockd"} {
		of[name] = true
	}
	for _, name := range []string{"addr", "protocol", "mix", "names", "contention", "rate", "held", "seed"} {
		of[name] = false
	}
	b.set.Visit(func(f *flag.Flag) {
		if compare, one := of[f.Name]; one && compare != b.compare && err == nil {
			if compare {
				err = usageError("-%s is for -compare", f.Name)
			} else {
				err = usageError("-%s is not for -compare", f.Name)
			}
		}
	})
	return err
}

// measure measures one server, or compares several.
func (b *benchFlags) measure(ctx context.Context) (bench.Report, error) {
	if b.compare {
		return b.compareAll(ctx)
	}
	protocol, err := load.Named(b.protocol)
	if err != nil {
		return bench.Report{}, usageError("-protocol: %v", err)
	}
	if b.options.Mix, err = load.ParseMix(b.mix); err != nil {
		return bench.Report{}, usageError("-mix: %v", err)
	}
	s := bench.Single{
		Server: bench.Running(protocol, b.options.Addr), Options: b.options, Mix: b.mix, Matrix: b.matrix, Held: b.held, Rounds: b.rounds, Log: os.Stderr,
	}
	if err := s.Check(); err != nil {
		return bench.Report{}, usageError("%v", err)
	}
	s.Options.Progress = func(r load.Result) {
		fmt.Fprintf(os.Stderr, "%4.0f s  %10.0f commands/s  p50 %v  p99 %v\n", r.Elapsed.Seconds(), r.PerSecond(), r.Quantile(50).Round(time.Microsecond), r.Quantile(99).Round(time.Microsecond))
	}
	report, err := s.Measure(ctx)
	if err != nil {
		return report, &exitError{exitBroken, err}
	}
	return report, nil
}

// compareAll measures the matrix.
func (b *benchFlags) compareAll(ctx context.Context) (bench.Report, error) {
	self, err := os.Executable()
	if err != nil {
		return bench.Report{}, &exitError{exitBroken, err}
	}
	c := bench.Config{
		Lockd: b.lockd, Self: self, Log: os.Stderr, Memory: b.memory,
		Matrix: bench.Matrix{Connections: []int{1, 50, 1000}, Depths: []int{1, 16, 64}, NameBytes: []int{15, 250}, Rates: []float64{0}},
		Rounds: 5, Warmup: 200 * time.Millisecond, Time: time.Second,
	}
	switch {
	case b.quick:
		c.Matrix = bench.Matrix{Connections: []int{50, 1000}, Depths: []int{1, 16}, NameBytes: []int{15}, Rates: []float64{0}}
		c.Warmup, c.Time = 100*time.Millisecond, 600*time.Millisecond
	case b.thorough:
		c.Rounds, c.Time = 11, 3*time.Second
	}
	b.set.Visit(func(f *flag.Flag) { // what was asked for
		switch f.Name {
		case "connections":
			c.Matrix.Connections = b.matrix.Connections
		case "depth":
			c.Matrix.Depths = b.matrix.Depths
		case "name-bytes":
			c.Matrix.NameBytes = b.matrix.NameBytes
		case "rounds":
			c.Rounds = b.rounds
		case "duration":
			c.Time = b.options.Duration
		case "warmup":
			c.Warmup = b.options.Warmup
		}
	})
	if err := c.Check(); err != nil {
		return bench.Report{}, usageError("%v", err)
	}
	report, err := bench.Compare(ctx, c)
	if err != nil {
		return report, &exitError{exitBroken, err}
	}
	return report, nil
}

// called is the command, for whoever wants to repeat it.
func (b *benchFlags) called() string {
	return "lockcheck " + strings.Join(os.Args[1:], " ")
}

// write writes the report as it was asked for.
func (b *benchFlags) write(r bench.Report) error {
	text := r.WriteText
	if b.json == "-" {
		text = r.WriteJSON
	}
	if err := text(os.Stdout); err != nil {
		return &exitError{exitBroken, err}
	}
	for path, write := range map[string]func(io.Writer) error{b.json: r.WriteJSON, b.html: r.WriteHTML} {
		if path == "" || path == "-" {
			continue
		}
		f, err := os.Create(path)
		if err == nil {
			err = errors.Join(write(f), f.Close())
		}
		if err != nil {
			return &exitError{exitBroken, err}
		}
	}
	return nil
}
