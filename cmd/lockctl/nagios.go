package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"
)

// The states of a check, which are its exit codes.
const (
	stateOK = iota
	stateWarning
	stateCritical
	stateUnknown
)

var states = []string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}

// result prints the only line of a check, and returns its exit code. A | would begin the
// performance data.
func result(state int, text string, data ...string) error {
	line := "LOCKD " + states[state] + " - " + strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "/")
	if len(data) > 0 {
		line += " | " + strings.Join(data, " ")
	}
	if _, err := fmt.Println(line); err != nil || state == stateOK {
		return err
	}
	return &exitError{code: state}
}

// unknown is the result of a check that could not be made.
func unknown(err error) error { return result(stateUnknown, err.Error()) }

// metric is something that a check measures.
type metric struct {
	name, unit string
	value      float64
}

// metrics are the names of all metrics.
var metrics = []string{"locks", "shared_locks", "connections", "holders", "waiters", "age", "time"}

// thresholds are the ranges of a flag, by metric.
type thresholds map[string]*threshold

// String is for package flag.
func (t thresholds) String() string { return "" }

// Set reads METRIC=RANGE, or several of them with commas between.
func (t thresholds) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		name, written, found := strings.Cut(part, "=")
		if !found || !slices.Contains(metrics, name) {
			return fmt.Errorf("%q is not METRIC=RANGE; the metrics are %s", part, strings.Join(metrics, ", "))
		}
		parsed, err := parseThreshold(written)
		if err != nil {
			return err
		}
		t[name] = parsed
	}
	return nil
}

func nagiosCommand(on *server) *ffcli.Command {
	k := check{on: on, warn: thresholds{}, crit: thresholds{}}
	fs := on.flagSet("nagios")
	fs.Var(k.warn, "w", "warn if a metric is outside this `METRIC=RANGE`; again, or behind a comma, for others")
	fs.Var(k.crit, "c", "as -w, for the state CRITICAL, `METRIC=RANGE`")
	fs.StringVar(&k.name, "name", "", "check the lock with this `name` only")
	fs.BoolVar(&k.held, "held", false, "with -name: CRITICAL if nobody holds it")
	fs.BoolVar(&k.free, "free", false, "with -name: CRITICAL if somebody holds it")
	oldest := fs.Duration("max-age", 0, "CRITICAL if a lock is held for longer than this `duration`, as 2h; -c age=SECONDS in other words")
	fs.DurationVar(&k.timeout, "timeout", 10*time.Second, "CRITICAL if the server takes longer than this `duration`")
	return &ffcli.Command{
		Name:       "nagios",
		ShortUsage: "lockctl nagios [flags]",
		ShortHelp:  "check the server, or one lock, as a plugin of Nagios, Icinga and others",
		LongHelp: `Prints one line with performance data, and exits with 0 OK, 1 WARNING, 2 CRITICAL, also if
the server cannot be reached, or 3 UNKNOWN, also for wrong usage. A RANGE is one of the
Monitoring Plugins guidelines: 10 (0 to 10), 10: (at least 10), ~:10 (at most 10), 10:20,
and @10:20 (outside 10 to 20).

  lockctl nagios -w waiters=10,time=0.5 -c waiters=100,time=2
  lockctl nagios -name nightly -max-age 2h     a job that hangs
  lockctl nagios -name leader -held            nobody leads

  locks         names that are held exclusively
  shared_locks  names that have a shared holder
  connections   of clients, without this one
  waiters       who waits for locks, or, with -name, for this one
  holders       with -name: who holds it
  age           for how many seconds the oldest lock is held, or, with -name, this one;
                a list of all locks is needed for it, so it is measured if asked for
  time          seconds for an answer`,
		FlagSet: fs,
		Exec: func(ctx context.Context, args []string) error {
			fs.Visit(func(f *flag.Flag) { k.named = k.named || f.Name == "name" })
			switch {
			case len(args) > 0:
				return unknown(fmt.Errorf("nagios takes no arguments, got %q", args[0]))
			case (k.held || k.free) && !k.named:
				return unknown(errors.New("-held and -free are about one lock: which one? give -name NAME"))
			case k.held && k.free:
				return unknown(errors.New("-held and -free exclude each other"))
			case *oldest < 0 || k.timeout <= 0:
				return unknown(errors.New("a duration must be positive"))
			case *oldest > 0 && k.crit["age"] != nil:
				return unknown(errors.New("-max-age and -c age=... are the same: give one"))
			}
			for _, ranges := range []thresholds{k.warn, k.crit} {
				for _, name := range []string{"holders", "locks", "shared_locks", "connections"} {
					if ranges[name] != nil && k.named != (name == "holders") {
						return unknown(fmt.Errorf("a range of %s does not fit: holders is for -name, and locks, shared_locks and connections are without", name))
					}
				}
			}
			if *oldest > 0 {
				k.crit["age"], _ = parseThreshold(strconv.FormatFloat(oldest.Seconds(), 'f', -1, 64))
			}
			return k.run(ctx)
		},
	}
}
