package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/sim/mutants"
)

// mutantsCommand checks that the simulation detects deliberate bugs.
func mutantsCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck mutants")
	only := flags.String("only", "", "try only the mutants whose names contain this `text`")
	part := flags.String("part", "1/1", "try only every Nth of these mutants, from the Kth on: `K/N`")
	table := flags.String("table", "", "try none: replace the table of all mutants in this Markdown `file`")
	workers := flags.Int("workers", defaultWorkers(), "how many mutants at the same time (default: one for each processor)")
	return &ffcli.Command{
		Name:       "mutants",
		ShortUsage: "lockcheck mutants [flags]",
		ShortHelp:  "check that the simulation catches deliberate bugs",
		LongHelp: `Builds the server with one deliberate bug at a time, without changing its
source, and runs the layers of the simulation against it until one fails. Run it
inside the source tree, where ` + mutants.Folder + ` describes the bugs.

Exit codes: 0 all were caught by the expected layers, 1 one was not, 2 usage,
3 could not run, 130 interrupted.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			switch {
			case !validPart(*part):
				return usageError("-part %q is not K/N with 1 <= K <= N, such as 1/2", *part)
			case len(args) > 0 || *workers < 1:
				return usageError("mutants takes no arguments and needs a worker, got %q", args)
			case *table != "" && *only != "":
				return usageError("-table writes the table of all mutants; leave -only out")
			}
			ctx, stop := interruptible(ctx)
			defer stop()
			root, err := moduleRoot(ctx)
			if err != nil {
				return &exitError{exitBroken, err}
			}
			list, err := mutants.Load(root)
			if err != nil {
				return &exitError{exitBroken, err}
			}
			if *table != "" {
				if err := mutants.WriteTable(*table, list); err != nil {
					return &exitError{exitBroken, err}
				}
				return nil
			}
			return tryMutants(ctx, root, takePart(list, *only, *part), *workers)
		},
	}
}

func validPart(part string) bool {
	k, n, ok := parsePart(part)
	return ok && 1 <= k && k <= n
}

func parsePart(part string) (k, n int, ok bool) {
	before, after, _ := strings.Cut(part, "/")
	k, errK := strconv.Atoi(before)
	n, errN := strconv.Atoi(after)
	return k, n, errK == nil && errN == nil
}

// takePart returns every Nth, from the Kth on, of the mutants with a text in their names.
func takePart(list []mutants.Mutant, only, part string) (taken []mutants.Mutant) {
	k, n, _ := parsePart(part)
	i := 0
	for _, m := range list {
		if strings.Contains(m.Name, only) {
			if i++; (i-k)%n == 0 {
				taken = append(taken, m)
			}
		}
	}
	return taken
}

func tryMutants(ctx context.Context, root string, list []mutants.Mutant, workers int) error {
	if len(list) == 0 {
		return usageError("no mutant has that text in its name, or there are fewer than -part says")
	}
	started := time.Now()
	var survivors, elsewhere []string
	var broken []error
	err := mutants.Run(ctx, root, list, workers, func(v mutants.Verdict) {
		switch {
		case ctx.Err() != nil && v.Err != nil: // not finished
		case v.Err != nil:
			broken = append(broken, v.Err)
			fmt.Printf("BROKEN    %s: %v\n", v.Name, v.Err)
		case !v.Caught():
			survivors = append(survivors, v.Name)
			fmt.Printf("SURVIVED  %s\n", v.Name)
		default:
			fmt.Printf("%-9s %s (%.100s)\n", v.Layer, v.Name, v.How)
			if !v.AsExpected() {
				elsewhere = append(elsewhere, v.Name)
				fmt.Printf("          EXPECTED %s. If %s is right, write \"expected: %s\" at %s\n", v.Expected, v.Layer, v.Layer, v.Place)
			}
		}
	})
	switch err = errors.Join(append(broken, err)...); {
	case ctx.Err() != nil && len(survivors)+len(elsewhere) == 0:
		fmt.Println("interrupted; every mutant so far was caught as expected")
		return &exitError{exitInterrupted, nil}
	case ctx.Err() != nil: // with something found
	case err != nil:
		return &exitError{exitBroken, err}
	default:
		fmt.Printf("%d of %d mutants were caught in %.0fs\n", len(list)-len(survivors), len(list), time.Since(started).Seconds())
	}
	var findings []error
	if len(survivors) > 0 {
		findings = append(findings, fmt.Errorf("no layer caught these mutants: %q", survivors))
	}
	if len(elsewhere) > 0 {
		findings = append(findings, fmt.Errorf("caught by another layer than expected; find out why, or correct what their files expect: %q", elsewhere))
	}
	if len(findings) > 0 {
		return &exitError{exitViolation, errors.Join(findings...)}
	}
	return nil
}

// moduleRoot returns the root of the source tree around the working directory.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	file := strings.TrimSpace(string(out))
	if err != nil || file == "" || file == os.DevNull {
		return "", errors.New("cannot find the source of the server; run this inside its tree, with the go command on the path")
	}
	return filepath.Dir(file), nil
}
