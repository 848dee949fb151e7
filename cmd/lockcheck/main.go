// Command lockcheck verifies lock servers: it simulates lockd, and tests any other
// server from outside.
//
// It decides nothing itself: each command is a file that reads flags, calls a package of
// sim or fuzz, and turns the result into text and an exit code. Begin with run, in main.go,
// and sim.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/cmd/internal/buildinfo"
)

// The exit codes of all commands.
const (
	exitClean       = 0
	exitViolation   = 1 // the server broke the protocol
	exitUsage       = 2
	exitBroken      = 3   // the check could not run or finish
	exitInterrupted = 130 // see interruptible; with nothing found so far
)

// exitError is an error with an exit code. err is nil if nothing is left to be printed.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return fmt.Sprint(e.err) }
func (e *exitError) Unwrap() error { return e.err }

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 1 && args[0] == "man" {
		fmt.Print(manual().Roff())
		return exitClean
	}
	err := commands().ParseAndRun(context.Background(), args)
	var exit *exitError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return exitClean
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintln(os.Stderr, "lockcheck:", exit)
		}
		return exit.code
	}
	return exitUsage // the flag package has printed the error
}

// commands returns the tree of all commands.
func commands() *ffcli.Command {
	flags := newFlagSet("lockcheck")
	version := flags.Bool("version", false, "print the version and exit")
	return &ffcli.Command{
		Name:       "lockcheck",
		ShortUsage: "lockcheck COMMAND [flags]",
		ShortHelp:  "verify lock servers",
		FlagSet:    flags,
		Subcommands: []*ffcli.Command{
			simCommand(),
			soakCommand(),
			replayCommand(),
			conformCommand(),
			fuzzCommand(),
			benchCommand(), echoCommand(),
			mutantsCommand(),
			attackCommand(),
			helpCommand(),
		},
		Exec: func(_ context.Context, args []string) error {
			if *version {
				fmt.Println("lockcheck", buildVersion())
				return nil
			}
			if len(args) > 0 {
				return usageError("unknown command %q; lockcheck -h lists the commands", args[0])
			}
			return usageError("which command? lockcheck -h lists the commands")
		},
	}
}

// helpCommand is lockcheck -h as a command.
func helpCommand() *ffcli.Command {
	return &ffcli.Command{
		Name:      "help",
		ShortHelp: "show this help, or that of a command",
		FlagSet:   newFlagSet("lockcheck help"),
		Exec: func(_ context.Context, args []string) error {
			if run(append(args[:min(1, len(args)):min(1, len(args))], "-h")) != exitClean {
				return &exitError{exitUsage, nil}
			}
			return nil
		},
	}
}

func newFlagSet(name string) *flag.FlagSet { return flag.NewFlagSet(name, flag.ContinueOnError) }

func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// buildVersion returns the version of the program and of Go.
func buildVersion() string {
	version, _ := buildinfo.Version()
	return version + " " + runtime.Version()
}
