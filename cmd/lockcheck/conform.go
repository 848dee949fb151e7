package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"
	"golang.org/x/term"

	"lockd/sim/conformance"
	"lockd/sim/conformance/process"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/transport"
)

// conformOptions are the flags of conform.
type conformOptions struct {
	addr, unix, ws      string
	start               string
	level, dialect      string
	run, skip           string
	json, junit, html   string
	list, quiet         bool
	tls                 tlsFlags
	conformance.Options // the flags that need no translation
}

// conformCommand tests any server against docs/protocol.md.
func conformCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck conform")
	var o conformOptions
	flags.StringVar(&o.addr, "addr", "", "test the server at this TCP `host:port`, or at tls://host:port")
	flags.StringVar(&o.unix, "unix", "", "test the server at this unix socket `path`")
	flags.StringVar(&o.ws, "ws", "", "test the server at this WebSocket `URL`, such as ws://127.0.0.1:9998/ or wss://locks.example/")
	o.tls.add(flags)
	flags.StringVar(&o.start, "start", "", "start the server with this shell `command`, again whenever a case needs a fresh one, and end it with SIGTERM")
	flags.StringVar(&o.level, "level", "extended", "test up to this level: core, family, strict or extended")
	flags.StringVar(&o.dialect, "dialect", "", "expect the replies of glockd or classic (default: detected)")
	flags.StringVar(&o.run, "run", "", "run only these cases: `ids` or patterns such as 'get-*', separated by commas")
	flags.StringVar(&o.skip, "skip", "", "leave out these cases: `ids` or patterns, separated by commas")
	flags.DurationVar(&o.Timeout, "timeout", conformance.DefaultTimeout, "how long the server may take for one answer")
	flags.IntVar(&o.Parallel, "parallel", conformance.DefaultParallel, "how many cases to run at once")
	flags.IntVar(&o.MaxLine, "max-line", 0, "the server's limit of a line in `bytes` (default: 65536)")
	flags.IntVar(&o.MaxConnections, "max-connections", 0, "the server's limit of connections, to test it; the cases then run one by one")
	flags.IntVar(&o.MaxLocks, "max-locks", 0, "the server's limit of holdings, to test it; the cases then run one by one")
	flags.StringVar(&o.json, "json", "", "write the results to this JSON `file` too; - is standard output, instead of the text")
	flags.StringVar(&o.junit, "junit", "", "write the results to this JUnit XML `file` too")
	flags.StringVar(&o.html, "html", "", "write the results to this HTML `file` too")
	flags.BoolVar(&o.list, "list", false, "list the cases that would run, and exit")
	flags.BoolVar(&o.quiet, "quiet", false, "print nothing but the verdict")
	return &ffcli.Command{
		Name:       "conform",
		ShortUsage: "lockcheck conform [flags] -addr HOST:PORT",
		ShortHelp:  "test any lockd server against the protocol",
		LongHelp: `Tests a server, in whatever language it is written, clause by clause against
docs/protocol.md, over each transport whose address is given. docs/conformance.md
is the guide.

  lockcheck conform -addr 127.0.0.1:9999
  lockcheck conform -addr 127.0.0.1:9999 -level core -html report.html
  lockcheck conform -addr 127.0.0.1:9999 -start './mylockd -port 9999'

Exit codes: 0 the server conforms at the level, 1 it does not, 2 usage, 3 it
could not be reached or died, 130 interrupted, after what was run is reported.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return argumentError(args[0], o.run != "" || o.skip != "")
			}
			return o.conform(ctx)
		},
	}
}

// argumentError returns an error for an unexpected argument, with the flag that was
// probably meant.
func argumentError(arg string, selected bool) error {
	hint := "give the server's address with -addr, -unix or -ws"
	switch _, _, err := net.SplitHostPort(arg); {
	case strings.HasPrefix(arg, "ws://") || strings.HasPrefix(arg, "wss://"):
		hint = "did you mean -ws " + arg + "?"
	case err == nil:
		hint = "did you mean -addr " + arg + "?"
	case strings.ContainsRune(arg, '/'):
		hint = "did you mean -unix " + arg + "?"
	case selected:
		hint = "separate the ids of -run and -skip by commas"
	}
	return usageError("conform takes no arguments, got %q: %s", arg, hint)
}

func (o *conformOptions) conform(ctx context.Context) error {
	if err := o.translate(); err != nil {
		return &exitError{exitUsage, err}
	}
	if o.list {
		cases, err := conformance.Choose(o.Options)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		for _, c := range cases {
			fmt.Printf("%-8s  %-10s  %-42s %s\n", c.Level, c.Clauses[0].ID, c.ID, c.Title)
		}
		return nil
	}
	if len(o.Endpoints) == 0 {
		return usageError("conform needs the address of a server: -addr, -unix or -ws")
	}
	outputs, err := o.open()
	if err != nil {
		return &exitError{exitBroken, err}
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	progress := newProgress(o.quiet)
	o.Progress = progress.add
	found, err := conformance.Run(ctx, o.Options)
	progress.line.Clear()
	var usage *conformance.ErrUsage
	interrupted := found != nil && ctx.Err() != nil
	switch {
	case errors.As(err, &usage):
		return &exitError{exitUsage, err}
	case ctx.Err() != nil && found == nil:
		return &exitError{exitInterrupted, errors.New("interrupted before a single case was run")}
	case err != nil && !interrupted:
		return &exitError{exitBroken, err}
	}
	if err := o.write(found, outputs); err != nil {
		return &exitError{exitBroken, err}
	}
	switch {
	case interrupted:
		return &exitError{exitInterrupted, errors.New("interrupted; the report is of what was run before")}
	case found.Died != nil:
		return &exitError{exitBroken, fmt.Errorf("the server died: %w", found.Died)}
	case !found.Conforms():
		return &exitError{exitViolation, nil} // the verdict is the message
	}
	return nil
}

// translate turns the flags into Options.
func (o *conformOptions) translate() (err error) {
	if o.Level, err = protocol.ParseLevel(o.level); err != nil {
		return err
	}
	switch o.Dialect = protocol.Dialect(o.dialect); o.Dialect {
	case "", protocol.Glockd, protocol.Classic:
	default:
		return fmt.Errorf("unknown dialect %q: want glockd or classic", o.dialect)
	}
	if o.Timeout <= 0 || o.Parallel <= 0 || o.MaxLine < 0 || o.MaxConnections < 0 || o.MaxLocks < 0 {
		return errors.New("-timeout and -parallel must be above 0, limits not below")
	}
	o.Run, o.Skip = split(o.run), split(o.skip)
	for _, e := range []transport.Endpoint{{Transport: "tcp", Address: o.addr}, {Transport: "unix", Address: o.unix}, {Transport: "ws", Address: o.ws}} {
		if e.Address == "" {
			continue
		}
		if address, found := strings.CutPrefix(e.Address, "tls://"); found && e.Transport == transport.TCP {
			e.Address, e.TLS = address, &o.tls.TLS
		}
		if strings.HasPrefix(e.Address, "wss://") {
			e.TLS = &o.tls.TLS
		}
		if err := o.tls.apply(&e); err != nil {
			return err
		}
		o.Endpoints = append(o.Endpoints, e)
	}
	if o.start != "" {
		o.Start = process.Command(o.start, o.Endpoints)
	}
	return nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// forms returns the functions that write the report to a file, by file name.
func (o *conformOptions) forms() map[string]func(*report.Report, io.Writer) error {
	return map[string]func(*report.Report, io.Writer) error{
		o.json:  (*report.Report).WriteJSON,
		o.junit: (*report.Report).WriteJUnit,
		o.html:  (*report.Report).WriteHTML,
	}
}

// open opens the files for the report, before the work begins. It does not change their
// contents.
func (o *conformOptions) open() (map[string]*os.File, error) {
	if a := []string{o.json, o.junit, o.html}; a[0] != "" && (a[0] == a[1] || a[0] == a[2]) || a[1] != "" && a[1] == a[2] {
		return nil, errors.New("two formats of the report cannot be written to one file")
	}
	files := make(map[string]*os.File)
	for name := range o.forms() {
		switch name {
		case "":
		case "-":
			files[name] = os.Stdout
		default:
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
			if err != nil {
				return nil, fmt.Errorf("cannot write the report: %w", err)
			}
			files[name] = f
		}
	}
	return files, nil
}

// write writes the report in every requested format.
func (o *conformOptions) write(found *report.Report, files map[string]*os.File) error {
	forms := o.forms()
	for name, f := range files {
		if f != os.Stdout {
			f.Truncate(0) // fails for a pipe, which is fine
		}
		err := forms[name](found, f)
		if f != os.Stdout {
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return fmt.Errorf("cannot write %s: %w", name, err)
		}
	}
	switch {
	case o.json == "-" || o.junit == "-" || o.html == "-":
		return nil
	case o.quiet:
		_, err := fmt.Println(found.Verdict())
		return err
	}
	return found.WriteText(os.Stdout, term.IsTerminal(int(os.Stdout.Fd())))
}

// progress counts finished cases for the status line.
type progress struct {
	line         *statusLine
	done, failed int
}

func newProgress(quiet bool) *progress {
	if quiet {
		return &progress{line: &statusLine{}}
	}
	return &progress{line: newStatusLine(os.Stderr)}
}

func (p *progress) add(r report.Result) {
	p.done++
	if r.Status == report.Failed {
		p.failed++
	}
	p.line.Show(fmt.Sprintf("%d cases, %d failed, %s", p.done, p.failed, r.ID))
}
