package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lockd/sim/attack"
	"lockd/sim/campaign"
	"lockd/sim/soak"
)

// hostileFlags are the flags of lockcheck soak that count with -hostile alone.
type hostileFlags struct {
	on      bool
	start   string
	web     string
	pid     int
	steady  int
	raids   int
	warmUp  time.Duration
	every   time.Duration
	pause   time.Duration
	memory  int
	options soak.Options
}

func (h *hostileFlags) add(flags *flag.FlagSet) {
	b := &h.options.Bounds
	*b = soak.DefaultBounds
	flags.BoolVar(&h.on, "hostile", false, "let hostile clients attack the server beside honest ones, and judge its answers, its delays and its memory; the following flags are for this")
	flags.StringVar(&h.start, "start", "", "start the lockd with this `path`, instead of -addr")
	flags.StringVar(&h.web, "ws", "", "the HTTP port of the server at -addr, as HOST:PORT; without it there are neither WebSockets nor metrics")
	flags.IntVar(&h.pid, "pid", 0, "the process of the server at -addr, which is measured where metrics are not to be had")
	flags.IntVar(&h.steady, "steady", 4, "honest clients that are timed")
	flags.IntVar(&h.raids, "raids", 6, "attacks at a time")
	flags.DurationVar(&h.warmUp, "warm-up", 0, "time before memory counts (default: a tenth of -duration)")
	flags.DurationVar(&h.every, "every", 5*time.Second, "time between two lines of progress")
	flags.DurationVar(&h.pause, "pause", 30*time.Second, "how long the server may take to come back when all clients have left")
	flags.DurationVar(&b.P99, "p99", b.P99, "how long 99% of the answers to honest clients may take")
	flags.DurationVar(&b.Longest, "longest", b.Longest, "how long any of them may take")
	flags.Float64Var(&b.Percent, "growth", b.Percent, "by how many `percent` memory, descriptors and goroutines may grow from the second quarter to the last")
	flags.IntVar(&h.memory, "growth-memory", int(b.Memory)>>20, "how many `MiB` memory may grow besides")
}

// defaultSoak is how long hostile clients attack without -duration.
const defaultSoak = time.Hour

// play soaks a server with hostile clients.
func (h *hostileFlags) play(ctx context.Context, c *campaignFlags, addr string) error {
	if err := h.check(c, addr); err != nil {
		return err
	}
	if err := campaign.CheckWritable(c.out); err != nil {
		return &exitError{exitBroken, err}
	}
	defer os.Remove(c.out) // if nothing was written to it
	target := &attack.Target{Addr: addr, Web: h.web, PID: h.pid}
	if h.start != "" {
		var err error
		if target, err = attack.Start(context.WithoutCancel(ctx), h.start, 1, "-pprof"); err != nil {
			return &exitError{exitBroken, err}
		}
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	report, err := soak.Run(ctx, target, h.soakOptions(c))
	if err == nil && len(report.Broken) > 0 && !report.Interrupted {
		keepProfiles(c.out, target)
	}
	stopped := target.Stop()
	if err != nil && ctx.Err() != nil {
		return &exitError{exitInterrupted, errors.New("interrupted; nothing was measured")}
	}
	if err != nil {
		return &exitError{exitBroken, err}
	}
	return h.verdict(c, report, stopped)
}

// commonFlags are the flags of lockcheck soak that count with -hostile and without.
var commonFlags = []string{"hostile", "addr", "seed", "duration", "out"}

// misplaced returns an error if a flag was given that counts only without -hostile, or only
// with it.
func (h *hostileFlags) misplaced(flags *flag.FlagSet) (err error) {
	own := flag.NewFlagSet("", flag.ContinueOnError)
	new(hostileFlags).add(own)
	flags.Visit(func(f *flag.Flag) {
		if belongs := own.Lookup(f.Name) != nil; !slices.Contains(commonFlags, f.Name) && belongs != h.on {
			err = usageError("-%s is for a soak without -hostile", f.Name)
			if belongs {
				err = usageError("-%s is for a soak with -hostile", f.Name)
			}
		}
	})
	return err
}

// check checks the flags.
func (h *hostileFlags) check(c *campaignFlags, addr string) error {
	switch {
	case (h.start == "") == (addr == ""):
		return usageError("give -start PATH, or -addr HOST:PORT: one of them")
	case h.start != "" && (h.web != "" || h.pid != 0):
		return usageError("-ws and -pid are for -addr; the server of -start is known")
	case h.start == "" && h.web == "" && h.pid == 0:
		return usageError("the server at -addr cannot be measured: give -ws HOST:PORT, its HTTP port, or -pid")
	case c.duration < 0 || h.warmUp < 0 || h.pause < 0 || h.every <= 0:
		return usageError("times cannot be negative, and -every is above 0")
	case h.steady < 1 || h.steady > 100 || h.raids < 0 || h.raids > 100:
		return usageError("-steady goes from 1 to 100, and -raids from 0 to 100")
	case h.options.Bounds.Percent < 0 || h.memory < 0:
		return usageError("-growth and -growth-memory cannot be negative")
	}
	if h.start == "" {
		if _, _, err := net.SplitHostPort(addr); err != nil || strings.Contains(addr, "/") {
			return usageError("hostile clients need a TCP address: -addr %q is none; write HOST:PORT", addr)
		}
	}
	return nil
}

// soakOptions prints the seed, and returns the options of the soak.
func (h *hostileFlags) soakOptions(c *campaignFlags) soak.Options {
	o := h.options
	o.Seed, o.Duration, o.Program = parseSeed(c.seed), c.duration, calledAs()
	if o.Duration == 0 {
		o.Duration = defaultSoak
	}
	if o.WarmUp = h.warmUp; o.WarmUp == 0 {
		o.WarmUp = o.Duration / 10
	}
	o.Sample = min(time.Second, o.Duration/40)
	o.Pause, o.Steady, o.Hostile = h.pause, h.steady, h.raids
	o.Bounds.Memory = float64(h.memory << 20)
	shown := time.Now()
	o.Progress = func(r *soak.Report) {
		if time.Since(shown) >= h.every {
			shown = time.Now()
			fmt.Println(r.Line())
		}
	}
	fmt.Printf("seed %d, for %v\n", o.Seed, o.Duration)
	return o
}

// verdict prints the report and the verdict. stopped is how the server that was started
// has ended.
func (h *hostileFlags) verdict(c *campaignFlags, r *soak.Report, stopped error) error {
	fmt.Print(r)
	for _, crowd := range r.Crowd {
		c.violation(crowd)
	}
	broken := r.Broken
	if stopped != nil {
		broken = append(broken, stopped.Error())
	}
	switch unfit := r.Unfit(); {
	case len(broken) > 0:
		for _, b := range broken {
			fmt.Printf("broken: %s\n", firstLine(errors.New(b)))
		}
		return &exitError{exitViolation, fmt.Errorf("soak: no: wrong or out of bounds: %d", len(broken))}
	case r.Interrupted:
		fmt.Println("interrupted; nothing was wrong so far")
		return &exitError{exitInterrupted, nil}
	case unfit != nil:
		return &exitError{exitBroken, fmt.Errorf("soak: %w", unfit)}
	}
	fmt.Println("soak: yes: every answer was right, and all bounds were kept")
	return nil
}

// keepProfiles writes profiles of the server into a folder, if it makes some.
func keepProfiles(out string, t *attack.Target) {
	for file, query := range map[string]string{"soak-heap.pprof": "heap", "soak-goroutines.txt": "goroutine?debug=2"} {
		path := filepath.Join(out, file)
		if err := soak.Profile(t, query, path); err == nil {
			fmt.Printf("profile: %s\n", path)
		}
	}
}
