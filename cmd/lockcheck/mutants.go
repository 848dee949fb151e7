package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/sim/mutants"
)

// mutantsCommand proves that the simulation bites.
func mutantsCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck mutants")
	only := flags.String("only", "", "try only the mutants whose names contain this `text`")
	table := flags.String("table", "", "write the table of all verdicts to this `file`, as Markdown, in place of the one that is there")
	workers := flags.Int("workers", defaultWorkers(), "how many mutants at the same time")
	return &ffcli.Command{
		Name:       "mutants",
		ShortUsage: "lockcheck mutants [flags]",
		ShortHelp:  "prove that the simulation catches deliberate bugs",
		LongHelp: `Builds the server with one deliberate bug at a time, without touching its
source, and plays the layers of the simulation against it until one notices. To
be run inside the source tree.

Exit codes: 0 all were caught, 1 one survived, 2 usage, 3 could not run,
130 interrupted.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 || *workers < 1 {
				return usageError("mutants takes no arguments and needs a worker, got %q", args)
			}
			ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
			defer stop()
			return tryMutants(ctx, *only, *table, *workers)
		},
	}
}

func tryMutants(ctx context.Context, only, table string, workers int) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return &exitError{exitBroken, err}
	}
	if err := mutants.Places(root); err != nil {
		return &exitError{exitBroken, err}
	}
	var list []mutants.Mutant
	for _, m := range mutants.All() {
		if strings.Contains(m.Name, only) {
			list = append(list, m)
		}
	}
	if len(list) == 0 {
		return usageError("no mutant is called %q", only)
	}
	if table != "" {
		if err := mutants.CheckTable(table); err != nil {
			return &exitError{exitBroken, err}
		}
	}
	started := time.Now()
	var verdicts []mutants.Verdict
	var survivors []string
	var broken []error
	err = mutants.Run(ctx, root, list, workers, func(v mutants.Verdict) {
		verdicts = append(verdicts, v)
		switch {
		case ctx.Err() != nil && v.Err != nil: // not tried to the end
		case v.Err != nil:
			broken = append(broken, v.Err)
			fmt.Printf("BROKEN    %s: %v\n", v.Name, v.Err)
		case v.Caught():
			fmt.Printf("%-9s %s (after %s)\n", v.Layer, v.Name, v.After)
		default:
			survivors = append(survivors, v.Name)
			fmt.Printf("SURVIVED  %s\n", v.Name)
		}
	})
	if ctx.Err() != nil && len(survivors) == 0 {
		fmt.Println("interrupted; no mutant survived so far")
		return &exitError{exitInterrupted, nil}
	}
	if err = errors.Join(append(broken, err)...); err != nil {
		return &exitError{exitBroken, err}
	}
	fmt.Printf("%d of %d mutants were caught in %.0fs\n", len(list)-len(survivors), len(list), time.Since(started).Seconds())
	if table != "" {
		if err := mutants.WriteTable(table, verdicts); err != nil {
			return &exitError{exitBroken, err}
		}
	}
	if len(survivors) > 0 {
		return &exitError{exitViolation, fmt.Errorf("survivors are holes in the simulation: %q", survivors)}
	}
	return nil
}

// moduleRoot finds the source tree that the command was started in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	file := strings.TrimSpace(string(out))
	if err != nil || file == "" || file == os.DevNull {
		return "", errors.New("cannot find the source of the server; run this inside its tree, with the go command on the path")
	}
	return filepath.Dir(file), nil
}
