package main

import (
	"fmt"
	"net"
	"os"

	"lockd/server"
)

// firstPassed is the first descriptor that systemd passes (sd_listen_fds(3)).
const firstPassed = 3

// passedEndpoints returns the endpoints of descriptors that systemd has passed, and
// closes the files. The flags of protocols that have some are switched off in o: nothing
// is opened in addition.
func passedEndpoints(o *options, files []*os.File, s *server.Server, c *certificates) ([]endpoint, error) {
	var all []endpoint
	have := make(map[string]bool)
	for i, f := range files {
		shown := fmt.Sprintf("descriptor %d, %s", firstPassed+i, f.Name())
		l, err := server.ListenPassed(f, o.keepalive, o.writeTimeout)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("cannot listen on a socket that was passed: %w (%s)", err, shown)
		}
		protocol, err := o.protocolOf(l, f.Name())
		if err != nil {
			return nil, fmt.Errorf("cannot listen on a socket that was passed: %w (%s)", err, shown)
		}
		have[protocol] = true
		all = append(all, endpoint{
			protocol: protocol,
			flags:    shown,
			listen:   func() (net.Listener, error) { return l, nil },
			serve:    c.serving(s, protocol),
		})
	}
	if have["tcp"] {
		o.port = 0
	}
	if have["ws"] {
		o.ws = 0
	}
	if have["unix"] {
		o.unix = ""
	}
	return all, nil
}

// protocolOf returns the protocol of a socket that was passed under a name.
func (o *options) protocolOf(l net.Listener, name string) (string, error) {
	addr, isTCP := l.Addr().(*net.TCPAddr)
	switch {
	case !isTCP && (name == "tcp" || name == "ws"):
		return "", fmt.Errorf("it is a unix socket, and called %s: call it unix, or pass one of TCP", name)
	case isTCP && name == "unix":
		return "", fmt.Errorf("it is a TCP socket, and called unix: call it tcp or ws, or pass a unix socket")
	case !isTCP:
		return "unix", nil
	case name == "tcp" || name == "ws":
		return name, nil
	case o.ws > 0 && addr.Port == o.ws:
		return "ws", nil
	}
	return "tcp", nil
}
