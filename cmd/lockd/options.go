package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/peterbourgon/ff/v3"

	"lockd/server"
	"lockd/wire"
)

// options are the flags. Each is also read from the environment (LOCKD_PORT for
// -port) and from the config file, in this order of precedence.
type options struct {
	// Those of glockd, with its names and meaning.
	port     int
	ws       int
	unix     string
	pidfile  string
	registry bool
	dump     bool
	verbose  bool

	host            string
	dialect         wire.Dialect
	unixMode        fs.FileMode
	loops           int
	maxLine         int
	maxConnections  int
	maxLocks        int
	writeTimeout    time.Duration
	keepalive       time.Duration
	idleTimeout     time.Duration
	shutdownTimeout time.Duration
	answerInvalid   bool
	wsOrigins       []string
	logFormat       string
	config          string
	version         bool
}

const (
	// anyPort as -port or -ws asks for a free port, as it does for memcached;
	// 0 means none, as it does for glockd.
	anyPort = -1
	// classicPort is the default of -port in the classic dialect.
	classicPort = 2626
	// maxMaxLine limits -max-line in bytes: every connection may fill one.
	maxMaxLine = 1 << 30
)

// defaultLoops is the default of -loops: one, where there are loops. More of them
// share the one mutex around the lock table, which pays for short batches only.
func defaultLoops() int { return min(1, maxLoops()) }

// maxLoops is the most that -loops may be: 0 where there are none.
func maxLoops() int {
	if server.LoopsSupported {
		return 64
	}
	return 0
}

// flagSet returns the flags, which set o.
func flagSet(o *options) *flag.FlagSet {
	fs := flag.NewFlagSet("lockd", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}

	fs.IntVar(&o.port, "port", 9999, "TCP `port`; 0 is none, -1 any free one; 2626 in the classic dialect unless given")
	fs.IntVar(&o.ws, "ws", 9998, "WebSocket `port`; 0 is none, -1 any free one; none in the classic dialect unless given")
	fs.StringVar(&o.unix, "unix", "", "`path` of a unix socket; '' is none")
	fs.StringVar(&o.pidfile, "pidfile", "", "`path` of a file for the process id, which no second daemon can use; '' is none")
	fs.BoolVar(&o.registry, "registry", true, "let connections name themselves (iam, who)")
	fs.BoolVar(&o.dump, "dump", true, "let connections see who holds what (d, sd, dump, who)")
	fs.BoolVar(&o.verbose, "verbose", false, "log every connection")

	fs.StringVar(&o.host, "host", "127.0.0.1", "`address` to listen on; '' is all interfaces")
	fs.TextVar(&o.dialect, "dialect", wire.Glockd, "reply as `glockd|classic`")
	o.unixMode = 0o660
	fs.TextVar((*modeFlag)(&o.unixMode), "unix-mode", (*modeFlag)(&o.unixMode), "permissions of the unix socket, `octal`")
	fs.IntVar(&o.loops, "loops", defaultLoops(), "event loops that serve TCP and unix connections, each on a processor of its own; 0 is a goroutine for each connection (Linux)")
	fs.IntVar(&o.maxLine, "max-line", wire.DefaultMaxLine, "longest command line in `bytes`")
	fs.IntVar(&o.maxConnections, "max-connections", 0, "most connections at a time; 0 is unlimited")
	fs.IntVar(&o.maxLocks, "max-locks", 0, "most locks held at a time, each holder of a shared lock being one; 0 is unlimited")
	fs.DurationVar(&o.writeTimeout, "write-timeout", 30*time.Second, "drop a client that leaves its replies unread for so long; 0 is never")
	fs.DurationVar(&o.keepalive, "keepalive", 30*time.Second, "probe a TCP peer that was silent for so long; one that has vanished is dropped after about twice that; 0 is never")
	fs.DurationVar(&o.idleTimeout, "idle-timeout", 0, "drop a client that says nothing for so long; 0 is never")
	fs.DurationVar(&o.shutdownTimeout, "shutdown-timeout", 10*time.Second, "longest time to shut down in")
	fs.BoolVar(&o.answerInvalid, "answer-invalid", false, "answer unknown commands with 0 Invalid Command")
	fs.Var((*listFlag)(&o.wsOrigins), "ws-origin", "`origin` besides its own whose pages may open a WebSocket, such as https://example.com or *.example.com, or * for all; may be repeated or separated by commas")
	fs.StringVar(&o.logFormat, "log-format", "text", "log as `text|json`")
	fs.StringVar(&o.config, "config", "", "`file` with a flag and its value on every line, and # before comments")
	fs.BoolVar(&o.version, "version", false, "print the version and exit")
	return fs
}

// parseOptions reads the flags, the environment and the config file. Its errors
// are one line.
func parseOptions(args []string) (*options, error) {
	o := new(options)
	err := o.parse(args)
	return o, plainer(err)
}

func (o *options) parse(args []string) error {
	fs := flagSet(o)
	err := ff.Parse(fs, args,
		ff.WithEnvVarPrefix("LOCKD"),
		ff.WithConfigFileFlag("config"),
		ff.WithConfigFileParser(ff.PlainParser),
	)
	if err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.dialect == wire.Classic {
		if !given["port"] {
			o.port = classicPort
		}
		if !given["ws"] {
			o.ws = 0
		}
	}
	return o.check()
}

// maxError is the longest error about options in bytes: they repeat what was
// given, which may be a whole file.
const maxError = 300

// plainer makes an error one line without the words that the flag library puts
// before those of the command line.
func plainer(err error) error {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	text := strings.TrimPrefix(err.Error(), "error parsing commandline arguments: ")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "..."
	}
	return errors.New(text)
}

// check finds values that no server can run with.
func (o *options) check() error {
	for _, p := range []struct {
		flag string
		port int
	}{{"port", o.port}, {"ws", o.ws}} {
		if p.port < anyPort || p.port > 65535 {
			return fmt.Errorf("-%s %d is no port: want 1 to 65535, 0 for none, -1 for any", p.flag, p.port)
		}
	}
	for _, n := range []struct {
		flag            string
		value, min, max int
	}{
		{"loops", o.loops, 0, maxLoops()},
		{"max-line", o.maxLine, 1, maxMaxLine},
		{"max-connections", o.maxConnections, 0, 1 << 30},
		{"max-locks", o.maxLocks, 0, math.MaxInt},
	} {
		if n.value < n.min || n.value > n.max {
			return fmt.Errorf("-%s %d is out of range: want %d to %d", n.flag, n.value, n.min, n.max)
		}
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{
		{"write-timeout", o.writeTimeout}, {"keepalive", o.keepalive},
		{"idle-timeout", o.idleTimeout}, {"shutdown-timeout", o.shutdownTimeout},
	} {
		if d.value < 0 {
			return fmt.Errorf("-%s %v is negative", d.flag, d.value)
		}
	}
	if o.keepalive > 0 && o.keepalive < time.Second {
		return fmt.Errorf("-keepalive %v is too short: want 1s or more, or 0 for never", o.keepalive)
	}
	for _, origin := range o.wsOrigins {
		if _, err := path.Match(origin, ""); err != nil {
			return fmt.Errorf("-ws-origin %q is no pattern: %w", origin, err)
		}
	}
	if o.logFormat != "text" && o.logFormat != "json" {
		return fmt.Errorf("-log-format %q is unknown: want text or json", o.logFormat)
	}
	if o.port == 0 && o.ws == 0 && o.unix == "" && !o.version {
		return errors.New("nothing to serve: give -port, -ws or -unix")
	}
	return nil
}

// printUsage prints what -h asks for.
func printUsage(w io.Writer) {
	fmt.Fprint(w, `lockd gives clients exclusive and shared locks on names. What a connection
holds is released when it ends.

usage: lockd [flags]

Every flag can also be set in the environment (LOCKD_PORT for -port) or in the
file that -config names. The command line goes before the environment, and that
before the file.

`)
	fs := flagSet(new(options))
	fs.SetOutput(w)
	fs.PrintDefaults()
}

// modeFlag is the permissions of a file as an octal flag.
type modeFlag fs.FileMode

func (f *modeFlag) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%04o", uint32(*f)), nil
}

func (f *modeFlag) UnmarshalText(text []byte) error {
	mode, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || mode > 0o777 {
		return errors.New("want octal permissions from 0000 to 0777")
	}
	*f = modeFlag(mode)
	return nil
}

// listFlag is a flag that may be repeated.
type listFlag []string

func (f *listFlag) String() string { return strings.Join(*f, ",") }

func (f *listFlag) Set(value string) error {
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			*f = append(*f, item)
		}
	}
	return nil
}
