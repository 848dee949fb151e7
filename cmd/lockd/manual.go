package main

import (
	"strconv"

	"lockd/cmd/internal/buildinfo"
	"lockd/cmd/internal/man"
)

// manual returns the manual page, which lockd man prints for packages.
func manual() man.Page {
	code := strconv.Itoa
	version, _ := buildinfo.Version()
	return man.Page{
		Name: "lockd", Section: 8, Version: version, Date: buildinfo.Time(),
		Short: "lock daemon",
		Usage: []string{"lockd [flags]"},
		Text: `lockd gives clients exclusive and shared locks on names, over TCP, a unix socket and
WebSockets, by commands of one line. The locks of a connection are released when it ends,
in whatever way.

It listens on 127.0.0.1 unless told otherwise: who can connect can take all locks. With
-tls-client-ca only clients with a certificate can.

The port of -ws also answers a browser with a status page, Prometheus at /metrics, and
health checks at /healthz and /readyz.

When it listens on all its addresses it logs one line, and tells systemd that it is ready.
The log is on standard error.

Every flag but -config, -check and -version can also be set in the environment
(LOCKD_MAX_LINE for -max-line) or in the file that -config names: on every line a flag
without its dash, a space and its value, in quotes if it is empty or contains " #"; #
begins a comment. The command line overrides the environment, which overrides the file.
lockd -check finds mistakes in all three.

A switch is turned off by -flag=false.`,
		Flags: flagSet(new(options)),
		Sections: []man.Section{
			{Title: "Signals", Items: []man.Item{
				{Term: "SIGTERM, SIGINT", Text: "Stop accepting, answer what has been received, release all locks and end, within -shutdown-timeout. A second one, more than a second later, ends lockd at once."},
				{Term: "SIGHUP", Text: "Read the files of -tls-cert, -tls-key and -tls-client-ca again, for connections that begin afterwards. Without TLS it is ignored."},
			}},
			{Title: "Socket activation", Text: `If systemd passes listening sockets, these are served. Nothing is opened in addition for
a protocol that has one: its -port, -ws or -unix has no effect. FileDescriptorName= tells
what a socket is for: tcp, ws or unix. Under any other name a unix socket is unix, the port
of -ws is ws, and another port is tcp.`},
			{Title: "Exit status", Items: []man.Item{
				{Term: code(exitOK), Text: "It was ended by a signal."},
				{Term: code(exitError), Text: "It could not run, or not go on, or was ended by a second signal."},
				{Term: code(exitUsage), Text: "The flags, the environment or the file are wrong."},
			}},
			{Title: "Environment", Items: []man.Item{
				{Term: "LOCKD_FLAG", Text: "The value of a flag, in capitals, with _ for -: LOCKD_PORT for -port."},
				{Term: "LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID", Text: "The sockets that systemd passes, sd_listen_fds(3)."},
				{Term: "NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID", Text: "Where systemd wants to be told how lockd is, and how often, sd_notify(3)."},
			}},
			{Title: "Files", Text: "Those of the package and its units:", Items: []man.Item{
				{Term: "/etc/lockd/lockd.conf", Text: "The file of -config."},
				{Term: "/var/lib/lockd/tokens", Text: "The file of -token-file."},
				{Term: "/run/lockd.sock", Text: "The unix socket of lockd.socket."},
				{Term: "/usr/share/doc/lockd", Text: "The protocol, operations, recipes."},
			}},
			{Title: "Examples", Text: `All addresses of the machine, but no lists of locks:

  lockd -host '' -dump=false

A unix socket alone:

  lockd -port 0 -ws 0 -unix /run/lockd/socket`},
		},
		SeeAlso: []string{"lockctl(1)", "lockcheck(1)", "systemd.socket(5)"},
	}
}
