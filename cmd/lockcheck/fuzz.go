package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"
	"golang.org/x/term"

	"lockd/fuzz"
)

// fuzzCommand runs the module's fuzz targets.
func fuzzCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck fuzz")
	duration := flags.Duration("duration", 10*time.Minute, "time for all targets together")
	match := flags.String("run", "", "`regexp` of the targets to fuzz (default: all)")
	dir := flags.String("dir", ".", "`folder` of the module's source")
	return &ffcli.Command{
		Name:       "fuzz",
		ShortUsage: "lockcheck fuzz [-duration D] [-run REGEXP]",
		ShortHelp:  "run all fuzz targets in turn",
		LongHelp: `Fuzzes every target of the module in turn with the go command, on all processors,
and prints a summary of each. A failing input is kept below testdata/fuzz, where
plain go test runs it from then on.

Exit codes: 0 nothing found, 1 an input failed, 2 usage, 3 could not run, 130
interrupted.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("fuzz takes no arguments, got %q", args)
			}
			pattern, err := regexp.Compile(*match)
			if err != nil {
				return usageError("-run: %w", err)
			}
			if *duration <= 0 {
				return usageError("-duration %v: want more than 0", *duration)
			}
			ctx, stop := interruptible(ctx)
			defer stop()
			return fuzzAll(ctx, *dir, pattern, *duration)
		},
	}
}

func fuzzAll(ctx context.Context, dir string, match *regexp.Regexp, d time.Duration) error {
	targets, err := fuzz.Targets(ctx, dir, match)
	if errors.Is(err, fuzz.ErrNoTargets) {
		return &exitError{exitUsage, err}
	}
	if err != nil {
		return &exitError{exitBroken, err}
	}
	each := max(d/time.Duration(len(targets)), time.Second).Round(time.Second)
	fmt.Printf("%d targets, %v each\n", len(targets), each)
	var log io.Writer = io.Discard
	if term.IsTerminal(int(os.Stdout.Fd())) {
		log = os.Stdout
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "target\texecutions\ta second\tnew inputs\tresult\t")
	var failures []string
	for _, t := range targets {
		o, err := fuzz.Run(ctx, dir, t, each, log)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			table.Flush()
			return &exitError{exitBroken, err}
		}
		result := "clean"
		if o.Failure != "" {
			result = "FAILED"
			failures = append(failures, o.Failure)
		}
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%d\t%s\t\n", t.Name, o.Executions, o.Rate(), o.Interesting, result)
	}
	table.Flush()
	if len(failures) > 0 {
		fmt.Printf("\n%s", strings.Join(failures, "\n"))
		return &exitError{exitViolation, fmt.Errorf("%d of %d targets failed", len(failures), len(targets))}
	}
	if ctx.Err() != nil {
		fmt.Println("interrupted; nothing found so far")
		return &exitError{exitInterrupted, nil}
	}
	return nil
}
