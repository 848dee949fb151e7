// Command lockd is the lock daemon: it gives clients exclusive and shared locks
// on names over TCP, a unix socket and WebSockets. docs/protocol.md is the protocol,
// docs/operations.md describes how to run it.
//
// It answers no command of the protocol: it reads flags, the environment and a file
// (options.go, sources.go), opens listeners (listen.go) or takes those of systemd
// (passed.go), handles signals (serve.go), and gives the rest to package server. Begin with
// main.go and serve.go.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"lockd/cmd/internal/buildinfo"
)

// The exit codes.
const (
	exitOK    = 0
	exitError = 1 // it could not run
	exitUsage = 2 // the flags, environment or config file are wrong
)

func main() {
	// A crash ends by SIGABRT, so that supervisors do not take it for wrong flags (exit
	// code 2).
	debug.SetTraceback("crash")
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == "man" {
		io.WriteString(stdout, manual().Roff())
		return exitOK
	}
	queue := newQueueWriter(stderr)
	defer queue.Close()
	o, err := parseOptions(args, os.Environ())
	switch {
	case errors.Is(err, flag.ErrHelp):
		printUsage(stdout)
		return exitOK
	case err != nil:
		fmt.Fprintf(queue, "lockd: %v; lockd -h lists the flags\n", err)
		return exitUsage
	case o.version:
		fmt.Fprintf(stdout, "lockd %s %s\n", version(), runtime.Version())
		return exitOK
	case o.check:
		if _, err := loadCertificates(o); err != nil {
			fmt.Fprintf(queue, "lockd: %v\n", err)
			return exitUsage
		}
		for _, w := range o.warnings {
			fmt.Fprintf(queue, "lockd: warning: %s\n", w)
		}
		fmt.Fprintln(stdout, "the flags, the environment and the config file are valid")
		return exitOK
	}
	if err := serve(o, newLogger(o, queue), queue); err != nil {
		fmt.Fprintf(queue, "lockd: %v\n", err)
		return exitError
	}
	return exitOK
}

// newLogger returns the logger that the options ask for.
func newLogger(o *options, w io.Writer) *slog.Logger {
	level := &slog.HandlerOptions{Level: slog.LevelInfo}
	if o.verbose {
		level.Level = slog.LevelDebug
	}
	if o.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, level))
	}
	return slog.New(slog.NewTextHandler(w, level))
}

// shownVersion returns the version that clients see (VERSION-1), without white space.
func shownVersion() string {
	word, _, _ := strings.Cut(version(), " ")
	return strings.Trim(word, "()")
}

// version returns the version, and the commit if it is known and not part of the version.
func version() string {
	version, commit := buildinfo.Version()
	if commit == "" || strings.Contains(version, commit) {
		return version
	}
	return version + " " + commit
}
