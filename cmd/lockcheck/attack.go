package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/sim/attack"
)

// attackCommand attacks a server, and measures the effect on a well-behaved client.
func attackCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck attack")
	start := flags.String("start", "", "start the lockd with this `path` for every attack, with the flags that the attack needs")
	addr := flags.String("addr", "", "or attack the server at this TCP `address`")
	web := flags.String("ws", "", "and its HTTP port at this `address`")
	pid := flags.Int("pid", 0, "the process whose memory and descriptors are measured, with -addr")
	small := flags.Int("small", 1, "divide the size of every attack by this")
	slack := flags.Int("slack", 1, "multiply the times that a well-behaved client may wait by this, on a busy machine")
	probe := flags.Bool("probe", false, "make no attack: only run the well-behaved client of the server at -addr, until standard input ends, and print its measurements")
	return &ffcli.Command{
		Name:       "attack",
		ShortUsage: "lockcheck attack -start PATH [flags] [NAME...]",
		ShortHelp:  "attack a server, and measure the effect on a well-behaved client",
		LongHelp: `Runs the attacks with those names, or all, one after the other. During each, a
well-behaved client holds a lock and inspects it again and again. How long the client
waits, whether it keeps its lock, and how much memory the server takes are compared
with fixed bounds. Attack only your own servers: they may become slow, or crash.

` + attackNames() + `
Exit codes: 0 all bounds held, 1 one was broken, 2 usage, 3 could not run to the
end.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if (*start == "") == (*addr == "") {
				return usageError("give -start PATH, or -addr ADDRESS: one of them")
			}
			if *small < 1 || *slack < 1 {
				return usageError("-small %d and -slack %d: want 1 or more", *small, *slack)
			}
			if *probe {
				return runProbe(*addr)
			}
			chosen, err := chooseAttacks(args)
			if err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return &exitError{exitBroken, err}
			}
			ctx, stop := interruptible(ctx)
			defer stop()
			return makeAttacks(ctx, chosen, *slack, func(a *attack.Attack) (*attack.Target, error) {
				t := &attack.Target{Addr: *addr, Web: *web, PID: *pid, Small: *small}
				if *start != "" {
					var err error
					if t, err = attack.Start(ctx, *start, *small, a.Flags...); err != nil {
						return nil, err
					}
				}
				t.Probe = []string{self, "attack", "-probe", "-addr", t.Addr}
				return t, nil
			})
		},
	}
}

// makeAttacks makes attacks one after the other, each on its target, and reports the
// results.
func makeAttacks(ctx context.Context, chosen []*attack.Attack, slack int, target func(*attack.Attack) (*attack.Target, error)) error {
	broken, done, skipped := 0, 0, 0
	for _, a := range chosen {
		a.Stall *= time.Duration(slack)
		t, err := target(a)
		if ctx.Err() != nil {
			if err == nil {
				t.Stop()
			}
			break
		}
		if err != nil {
			return &exitError{exitBroken, err}
		}
		if a.Web && t.Web == "" {
			fmt.Printf("%-20s skipped: it needs the HTTP port; give -ws ADDRESS\n", a.Name)
			skipped++
			continue
		}
		result, err := attack.Run(ctx, a, t)
		stopped := t.Stop()
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return &exitError{exitBroken, err}
		}
		if stopped != nil {
			result.Broken = append(result.Broken, stopped.Error())
		}
		done++
		fmt.Println(result)
		for _, b := range result.Broken {
			fmt.Println("   ", b)
		}
		if len(result.Broken) > 0 {
			broken++
		}
	}
	switch {
	case broken > 0:
		return &exitError{exitViolation, fmt.Errorf("attack: %d of %d attacks broke a bound", broken, done)}
	case done == 0 && skipped > 0:
		return &exitError{exitBroken, fmt.Errorf("attack: nothing was attacked, %d were skipped", skipped)}
	case done+skipped < len(chosen):
		return &exitError{exitInterrupted, fmt.Errorf("interrupted: %d of %d attacks were made", done, len(chosen))}
	}
	return nil
}

// runProbe runs the well-behaved client.
func runProbe(addr string) error {
	if addr == "" {
		return usageError("-probe needs -addr ADDRESS")
	}
	if err := attack.Probe(addr, os.Stdin, os.Stdout); err != nil {
		return &exitError{exitBroken, err}
	}
	return nil
}

// chooseAttacks returns the attacks with those names, or all if there are none.
func chooseAttacks(names []string) ([]*attack.Attack, error) {
	var chosen []*attack.Attack
	for i := range attack.All {
		if a := attack.All[i]; len(names) == 0 || slices.Contains(names, a.Name) {
			chosen = append(chosen, &a)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(chosen, func(a *attack.Attack) bool { return a.Name == name }) {
			return nil, usageError("there is no attack %q; lockcheck attack -h lists them", name)
		}
	}
	return chosen, nil
}

func attackNames() (text string) {
	for _, a := range attack.All {
		text += fmt.Sprintf("  %-19s %s\n", a.Name, a.About)
	}
	return text
}
