package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"time"

	"lockd/server"
	"lockd/wire"
)

// options are the flags. Each is also read from the environment (LOCKD_PORT for
// -port) and from the config file, in this order of precedence.
type options struct {
	// The flags of glockd, with the same names and meanings.
	port     int
	ws       int
	unix     string
	pidfile  string
	registry bool
	dump     bool
	verbose  bool

	hosts           []string
	dialect         wire.Dialect
	unixMode        fs.FileMode
	loops           int
	maxLine         int
	maxConnections  int
	maxLocks        int
	maxPerConn      int
	maxPerAddress   int
	maxNameBytes    int
	writeTimeout    time.Duration
	keepalive       time.Duration
	idleTimeout     time.Duration
	shutdownTimeout time.Duration
	answerInvalid   bool
	kill            bool
	pprof           bool
	tokenFile       string
	wsOrigins       []string
	tlsCert         string
	tlsKey          string
	tlsClientCA     string
	logFormat       string
	config          string
	check           bool
	version         bool

	passed   bool     // systemd may have opened listeners (LISTEN_FDS)
	warnings []string // about probable mistakes
}

var errNothing = errors.New("nothing to serve: give -port, -ws or -unix")

const (
	// anyPort as -port or -ws means any free port, as for memcached; 0 means none,
	// as for glockd.
	anyPort = -1
	// classicPort is the default of -port in the classic dialect.
	classicPort = 2626
	// minMaxLine and maxMaxLine limit -max-line in bytes: the beginning of an HTTP
	// request must be seen (BAD-7), and every connection may fill a line.
	minMaxLine = 16
	maxMaxLine = 16 << 20
	// The default limits keep a mad client from filling the machine: with these a million
	// locks of one connection take 200 MB, and all locks at most some 1.5 GB, within
	// MemoryMax of the systemd unit.
	defaultPerConn   = 1_000_000
	defaultLocks     = 5_000_000
	defaultNameBytes = 256 << 20
	// maxKeepalive is the longest that kernels accept.
	maxKeepalive = 32767 * time.Second
)

// defaultLoops is the default of -loops: one, if the system supports loops. More of
// them share the one mutex around the lock table, which pays off only for short batches.
func defaultLoops() int { return min(1, maxLoops()) }

// maxLoops is the maximum of -loops: 0 if the system does not support loops.
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

	*o = options{
		port: 9999, ws: 9998, registry: true, dump: true,
		maxPerConn: defaultPerConn, maxLocks: defaultLocks, maxNameBytes: defaultNameBytes,
		hosts: []string{"127.0.0.1"}, unixMode: 0o660, loops: defaultLoops(), maxLine: wire.DefaultMaxLine,
		writeTimeout: 30 * time.Second, keepalive: 30 * time.Second, shutdownTimeout: 10 * time.Second,
		logFormat: "text",
	}
	number := func(p *int, name string, least, most int, usage string) {
		fs.Var(&numberFlag{p, least, most}, name, usage)
	}
	duration := func(p *time.Duration, name string, least time.Duration, usage string) {
		fs.Var(&durationFlag{p, least, math.MaxInt64}, name, usage)
	}
	fs.Var((*portFlag)(&o.port), "port", "TCP `port`; 0 is none, -1 any free one; 2626 in the classic dialect unless given")
	fs.Var((*portFlag)(&o.ws), "ws", "HTTP `port` for WebSockets, the status page, /metrics and health checks; 0 is none, -1 any free one; none in the classic dialect unless given")
	fs.StringVar(&o.unix, "unix", "", "`path` of a unix socket; '' is none")
	fs.StringVar(&o.pidfile, "pidfile", "", "`path` of a file for the process id, locked against a second daemon; '' is none")
	fs.Var((*boolFlag)(&o.registry), "registry", "let connections register names (iam, who)")
	fs.Var((*boolFlag)(&o.dump), "dump", "let connections list locks, their holders and who waits (d, sd, dump, l, lw, who)")
	fs.Var((*boolFlag)(&o.verbose), "verbose", "log every connection, and every lock that is got, refused, waited for, released or orphaned")

	fs.Var(&listFlag{items: &o.hosts, check: checkHost, empty: true}, "host", "`address` to listen on, or a name of addresses; '' or * is all; may be repeated or separated by commas")
	fs.TextVar(&o.dialect, "dialect", wire.Glockd, "reply as `glockd|classic`")
	fs.Var((*modeFlag)(&o.unixMode), "unix-mode", "permissions of the unix socket, `octal`")
	number(&o.loops, "loops", 0, maxLoops(), "`number` of event loops that serve TCP and unix connections, each of which needs a processor; 0 is a goroutine for each connection (Linux)")
	number(&o.maxLine, "max-line", minMaxLine, maxMaxLine, "longest command line in `bytes`")
	number(&o.maxConnections, "max-connections", 0, 1<<30, "largest `number` of connections at a time; 0 is unlimited")
	number(&o.maxLocks, "max-locks", 0, math.MaxInt, "largest `number` of locks held at a time, counting each holder of a shared lock; 0 is unlimited")
	number(&o.maxPerConn, "max-locks-per-connection", 0, math.MaxInt, "largest `number` of locks that one connection holds at a time; 0 is unlimited")
	number(&o.maxPerAddress, "max-connections-per-address", 0, 1<<30, "largest `number` of connections of one address at a time, those over unix sockets not counted; 0 is unlimited")
	number(&o.maxNameBytes, "max-name-bytes", 0, math.MaxInt, "largest sum of the lengths of all names that are held, in `bytes`; 0 is unlimited")
	duration(&o.writeTimeout, "write-timeout", 0, "drop a client that leaves its replies unread for this `time`; 0 is never")
	fs.Var(&durationFlag{&o.keepalive, time.Second, maxKeepalive}, "keepalive", "probe a TCP peer that was silent for this `time`; a vanished one is dropped after about twice that; 0 is never")
	duration(&o.idleTimeout, "idle-timeout", 0, "drop a client that sends nothing for this `time`; 0 is never")
	duration(&o.shutdownTimeout, "shutdown-timeout", 0, "maximum `time` for a shutdown; 0 drops all clients at once")
	fs.Var((*boolFlag)(&o.answerInvalid), "answer-invalid", "answer unknown commands with 0 Invalid Command")
	fs.Var((*boolFlag)(&o.kill), "kill", "let connections end other connections, and their locks with them (k)")
	fs.Var((*boolFlag)(&o.pprof), "pprof", "answer /debug/pprof/ on the HTTP port with profiles of the daemon")
	fs.StringVar(&o.tokenFile, "token-file", "", "`path` of a file that keeps tokens growing over restarts, also if the clock is set back, locked against a second daemon; '' is none")
	fs.Var(&listFlag{items: &o.wsOrigins, check: checkOrigin}, "ws-origin", "additional `origin` whose pages may open a WebSocket, such as https://example.com or *.example.com, or * for all; may be repeated or separated by commas")
	fs.StringVar(&o.tlsCert, "tls-cert", "", "`file` with the certificate (PEM) with which the TCP and HTTP ports speak TLS, read again at SIGHUP; '' is no TLS")
	fs.StringVar(&o.tlsKey, "tls-key", "", "`file` with the key of that certificate")
	fs.StringVar(&o.tlsClientCA, "tls-client-ca", "", "`file` with certificates of authorities: clients need a certificate that one of them has signed, and are shown by its name; '' is none")
	fs.Var(&choiceFlag{&o.logFormat, []string{"text", "json"}}, "log-format", "log as `text|json`")
	fs.StringVar(&o.config, "config", "", "`file` with a flag and its value on every line, and # before comments")
	fs.Var((*boolFlag)(&o.check), "check", "check the flags, the environment and the config file, and exit")
	fs.Var((*boolFlag)(&o.version), "version", "print the version and exit")
	return fs
}

func checkOrigin(text string) error {
	_, err := server.ParseOrigin(text)
	return err
}

// origins returns the origins of -ws-origin.
func (o *options) origins() []server.Origin {
	var all []server.Origin
	for _, text := range o.wsOrigins {
		origin, _ := server.ParseOrigin(text) // checked by the flag
		all = append(all, origin)
	}
	return all
}

// settle sets the defaults that depend on other flags, and returns an error for flags
// that conflict. given says which were given.
func (o *options) settle(given map[string]bool) error {
	if o.dialect == wire.Classic {
		if !given["port"] {
			o.port = classicPort
		}
		if !given["ws"] {
			o.ws = 0
		}
	}
	if o.port == 0 && o.ws == 0 && o.unix == "" && !o.passed {
		return errNothing
	}
	if err := o.settleTLS(); err != nil {
		return err
	}
	if o.port > 0 && o.port == o.ws {
		return fmt.Errorf("-port and -ws are both %d: give each a port of its own", o.port)
	}
	paths := [][2]string{{"-unix", o.unix}, {"-pidfile", o.pidfile}, {"-token-file", o.tokenFile}}
	for i, a := range paths {
		for _, b := range paths[i+1:] {
			if a[1] != "" && b[1] != "" && filepath.Clean(a[1]) == filepath.Clean(b[1]) {
				return fmt.Errorf("%s and %s are both %s: give each a path of its own", a[0], b[0], shortened(a[1]))
			}
		}
	}
	for _, host := range o.hosts {
		if (host == "" || host == everywhere) && len(o.hosts) > 1 {
			return errors.New("-host '' and -host * are all addresses: give only one of them, and no other")
		}
	}
	if o.unix != "" {
		return server.CheckUnix(o.unix, o.unixMode)
	}
	return nil
}

// printUsage prints what -h asks for.
func printUsage(w io.Writer) {
	fmt.Fprint(w, `lockd gives clients exclusive and shared locks on names. The locks of a connection
are released when it ends.

usage: lockd [flags]

Every flag but -config, -check and -version can also be set in the environment
(LOCKD_PORT for -port) or in the file that -config names. The command line
overrides the environment, which overrides the file.

`)
	fs := flagSet(new(options))
	fs.SetOutput(w)
	fs.PrintDefaults()
}
