// Command lockctl uses a lockd server from the shell: it runs commands under locks, and
// shows who holds what.
//
// Each command is a file that reads flags, calls package client, and turns the result into
// text and an exit code. Begin with run, in main.go, and runCommand, in run.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/client"
	"lockd/cmd/internal/buildinfo"
)

// The exit codes, those of sysexits.h where there is one.
const (
	exitYes         = 0
	exitNo          = 1   // the answer is no: not held, nobody waits, ...
	exitUsage       = 64  // EX_USAGE
	exitUnreachable = 69  // EX_UNAVAILABLE: no server, or none that can do this
	exitIO          = 74  // EX_IOERR: what was to be printed could not be written
	exitNotGot      = 75  // EX_TEMPFAIL: the lock was not got, of run
	exitLost        = 76  // EX_PROTOCOL: the lock was lost while the command ran
	exitCannotRun   = 126 // the command was found, but cannot be run
	exitNotFound    = 127 // the command was not found
	exitSignal      = 128 // plus the number of the signal that ended the command
)

// exitError is an error with an exit code. err is nil if nothing is left to be printed.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return fmt.Sprint(e.err) }
func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// no is the exit code for an answer of no that was printed.
var no = &exitError{code: exitNo}

func main() { os.Exit(run(muninArgs(os.Args))) }

func run(args []string) int {
	if len(args) == 1 && args[0] == "man" {
		fmt.Print(manual().Roff())
		return exitYes
	}
	var stoppers []os.Signal
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if !signal.Ignored(sig) {
			stoppers = append(stoppers, sig)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var stopper atomic.Int32 // the signal that has ended ctx
	if got := make(chan os.Signal, 1); len(stoppers) > 0 {
		signal.Notify(got, stoppers...)
		go func() {
			if sig, is := (<-got).(syscall.Signal); is {
				stopper.Store(int32(sig))
			}
			cancel()
		}()
	}
	help := new(help)
	root := commands(help)
	err := root.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Println(help.text)
		return exitYes
	case err != nil:
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // without ff's words
		}
		err = usageError("%w; %s -h lists the flags", err, help.command)
		if help.command == "lockctl nagios" {
			err = unknown(err)
		}
	default:
		err = root.Run(ctx)
	}
	var exit *exitError
	switch {
	case err == nil:
		return exitYes
	case errors.As(err, &exit):
	case ctx.Err() != nil:
		return exitSignal + int(stopper.Load())
	case errors.Is(err, client.ErrName) || errors.Is(err, client.ErrTooLong) || errors.Is(err, client.ErrAddress):
		exit = &exitError{exitUsage, err}
	case errors.As(err, new(*fs.PathError)):
		exit = &exitError{exitIO, err}
	default:
		exit = &exitError{exitUnreachable, err}
	}
	if exit.err != nil {
		fmt.Fprintln(os.Stderr, "lockctl:", exit)
	}
	return exit.code
}

// help is what the flag package would print about a command.
type help struct{ command, text string }

// quiet makes the flag package print nothing itself.
func (h *help) quiet(c *ffcli.Command) {
	c.FlagSet.SetOutput(io.Discard)
	c.UsageFunc = func(c *ffcli.Command) string {
		h.command, h.text = c.FlagSet.Name(), strings.TrimRight(ffcli.DefaultUsageFunc(c), "\n")
		return ""
	}
	for _, sub := range c.Subcommands {
		h.quiet(sub)
	}
}

// commands returns the tree of all commands.
func commands(h *help) *ffcli.Command {
	var on server
	flags := on.flagSet("")
	version := flags.Bool("version", false, "print the version and exit")
	root := &ffcli.Command{
		Name:       "lockctl",
		ShortUsage: "lockctl COMMAND [flags] ...",
		ShortHelp:  "run commands under locks of a lockd server, and see who holds what",
		LongHelp: `The server is that of -addr, or of the environment's LOCKD_ADDR: HOST:PORT,
tls://HOST:PORT or unix:PATH, ` + client.DefaultAddr + ` if there is neither. Flags go before names.

  lockctl run nightly -- ./report.sh      one at a time, on however many machines
  lockctl run -n deploy -- make deploy    or not at all
  lockctl run -shared 3 fetch -- ./get    at most three at a time
  lockctl holders                         who holds what, and since when
  lockctl COMMAND -h                      the flags of a command`,
		FlagSet: flags,
		Exec: func(_ context.Context, args []string) error {
			switch {
			case *version:
				fmt.Println("lockctl", buildVersion())
				return nil
			case len(args) > 0:
				return usageError("unknown command %q; lockctl -h lists the commands", args[0])
			}
			return usageError("which command? lockctl -h lists the commands")
		},
	}
	root.Subcommands = []*ffcli.Command{
		runCommand(&on), getCommand(&on), inspectCommand(&on), holdersCommand(&on), waitersCommand(&on), whoCommand(&on),
		statsCommand(&on), watchCommand(&on), topCommand(&on), killCommand(&on), pingCommand(&on), versionCommand(&on),
		nagiosCommand(&on), muninCommand(&on),
		completionCommand(root), helpCommand(),
	}
	h.quiet(root)
	return root
}

// helpCommand is lockctl -h as a command.
func helpCommand() *ffcli.Command {
	return &ffcli.Command{
		Name:      "help",
		ShortHelp: "show this help, or that of a command",
		FlagSet:   flag.NewFlagSet("lockctl help", flag.ContinueOnError),
		Exec: func(_ context.Context, args []string) error {
			if code := run(append(args[:min(1, len(args)):min(1, len(args))], "-h")); code != exitYes {
				return &exitError{code: code}
			}
			return nil
		},
	}
}

// buildVersion returns the version of the program and of Go.
func buildVersion() string {
	version, _ := buildinfo.Version()
	return version + " " + runtime.Version()
}
