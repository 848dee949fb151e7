package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"lockd/sim/campaign"
)

// campaignFlags are the flags that sim and soak share.
type campaignFlags struct {
	seed     string
	runs     int64
	duration time.Duration
	out      string
	workers  int
}

func (c *campaignFlags) add(flags *flag.FlagSet) {
	flags.StringVar(&c.seed, "seed", "", "`seed` of the first run: a number, or any text such as a commit (default: random)")
	flags.Int64Var(&c.runs, "runs", 0, "end after this many runs of each layer (0: no limit)")
	flags.DurationVar(&c.duration, "duration", 0, "end after this time, shared by the layers (default 30s if there is no other limit)")
	flags.StringVar(&c.out, "out", "lockcheck-evidence", "`folder` for the evidence of a violation")
	flags.IntVar(&c.workers, "workers", defaultWorkers(), "how many runs at the same time (default: one for each processor)")
}

// play plays layers one after the other. Ctrl-C ends it gracefully, a second one at
// once.
func (c *campaignFlags) play(ctx context.Context, layers []campaign.Layer, steps int64) error {
	if c.runs < 0 || c.duration < 0 || steps < 0 || c.workers < 1 {
		return usageError("limits cannot be negative, and there must be a worker")
	}
	if err := campaign.CheckWritable(c.out); err != nil {
		return &exitError{exitBroken, err}
	}
	defer os.Remove(c.out) // if nothing was written to it
	// There are many small worlds: collecting garbage less often makes them a tenth
	// faster.
	debug.SetGCPercent(500)
	ctx, stop := interruptible(ctx)
	defer stop()
	seed := parseSeed(c.seed)
	fmt.Printf("seed %d\n", seed)
	runs := int64(0)
	for i, layer := range layers {
		config := campaign.Config{Seed: seed, Runs: c.runs, Workers: c.workers, Program: calledAs()}
		if c.duration > 0 { // 0 is no limit
			config.Duration = max(1, c.duration/time.Duration(len(layers)))
		}
		if layer.Name == "world" || layer.Name == "loop" {
			config.Bytes = steps
		}
		report, err := c.playOne(ctx, layer, config)
		if err != nil {
			return err
		}
		runs += report.Work.Runs
		if ctx.Err() != nil {
			return interrupted(runs, i, len(layers))
		}
		if report.Work.Runs == 0 {
			return &exitError{exitBroken, fmt.Errorf("%s: nothing was played: -duration %v is too short for a single run; give it more", layer.Name, c.duration)}
		}
	}
	return nil
}

// interrupted prints how far a campaign went.
func interrupted(runs int64, done, layers int) error {
	switch {
	case runs == 0:
		fmt.Println("interrupted before a single run was played")
	case layers == 1:
		fmt.Printf("interrupted after %d runs; no violation so far\n", runs)
	default:
		fmt.Printf("interrupted after %d runs, %d of %d layers were played to their end; no violation so far\n", runs, done, layers)
	}
	return &exitError{exitInterrupted, nil}
}

func (c *campaignFlags) playOne(ctx context.Context, layer campaign.Layer, config campaign.Config) (campaign.Report, error) {
	status := newStatusLine(os.Stderr)
	config.Progress = func(r campaign.Report) { status.Show(describe(r) + ", " + covered(r, layer)) }
	report, err := campaign.Run(ctx, layer, config)
	status.Clear()
	fmt.Printf("%s, %s\n", describe(report), covered(report, layer))
	if report.Work.Runs == 1 && report.Work.Trace != "" {
		fmt.Printf("trace %s\n", report.Work.Trace)
	}
	if report.Failure != nil {
		return report, c.violation(report)
	}
	if err != nil {
		c.keep(err)
		return report, &exitError{exitBroken, err}
	}
	if err := report.Uncovered(layer); err != nil && ctx.Err() == nil {
		return report, &exitError{exitViolation, err}
	}
	return report, nil
}

func covered(r campaign.Report, layer campaign.Layer) string {
	if len(layer.Faults) == 0 {
		return fmt.Sprintf("%d kinds of perturbations", len(r.Coverage))
	}
	return fmt.Sprintf("%d of %d kinds of perturbations", len(layer.Faults)-len(r.Missing), len(layer.Faults))
}

// violation writes the evidence of a failure and prints where it is.
func (c *campaignFlags) violation(r campaign.Report) error {
	fmt.Printf("violation: %v\n", firstLine(r.Failure))
	dir, notes, err := campaign.WriteEvidence(c.out, r)
	for _, note := range notes {
		fmt.Println(note)
	}
	if err != nil {
		fmt.Println(err)
	}
	fmt.Printf("evidence: %s\nreplay:   %s\nor:       %s, or a trace or history in it\n", dir, r.Replay(), r.ReplayFile(dir))
	return &exitError{exitViolation, fmt.Errorf("%s: violation after %d runs", r.Layer, r.Work.Runs)}
}

// keep writes the history so far of a server that became unreachable.
func (c *campaignFlags) keep(err error) {
	var lost *campaign.Lost
	if !errors.As(err, &lost) || lost.History == nil {
		return
	}
	path := filepath.Join(c.out, fmt.Sprintf("unfinished-%d.json", lost.Seed))
	if lost.History.Write(path) == nil {
		fmt.Printf("the history so far: %s\n", path)
	}
}

// firstLine shortens an error for people; the evidence has the rest.
func firstLine(err error) string {
	const most = 300
	text := err.Error()
	for i := range text {
		if text[i] == '\n' || i == most {
			return text[:i] + " ..."
		}
	}
	return text
}
