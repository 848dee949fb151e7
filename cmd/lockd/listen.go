package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"

	"lockd/server"
)

// endpoint is one address to listen on.
type endpoint struct {
	protocol string // tcp, ws or unix, as in the log
	flags    string // the flags that chose it
	optional bool   // it is one of several addresses of a name: the machine may lack it
	listen   func() (net.Listener, error)
	serve    func(net.Listener) error
}

// endpoints returns the endpoints that the options ask for.
func endpoints(o *options, s *server.Server, c *certificates) ([]endpoint, error) {
	var all []endpoint
	if o.port != 0 || o.ws != 0 {
		hosts, err := resolve(o.hosts)
		if err != nil {
			return nil, err
		}
		add := func(protocol, flag string, port portFlag) {
			for _, h := range hosts {
				all = append(all, endpoint{
					protocol: protocol,
					flags:    fmt.Sprintf("-host %s -%s %d", cmp.Or(h.given, "''"), flag, port),
					optional: h.named && len(hosts) > 1,
					listen: func() (net.Listener, error) {
						return server.ListenTCP(h.address, max(int(port), 0), o.keepalive, o.writeTimeout)
					},
					serve: c.serving(s, protocol),
				})
			}
		}
		if o.port != 0 {
			add("tcp", "port", portFlag(o.port))
		}
		if o.ws != 0 {
			add("ws", "ws", portFlag(o.ws))
		}
	}
	if o.unix != "" {
		listen := func() (net.Listener, error) { return server.ListenUnix(o.unix, o.unixMode) }
		all = append(all, endpoint{protocol: "unix", flags: "-unix " + o.unix, listen: listen, serve: s.Serve})
	}
	return all, nil
}

// listening is the addresses of the daemon, by protocol, in the order of endpoints.
type listening struct {
	protocols []string
	addresses map[string][]net.Addr
}

// listenAll begins to serve all endpoints. Errors of serving go to failed.
func listenAll(all []endpoint, failed chan<- error) (*listening, error) {
	on := &listening{addresses: make(map[string][]net.Addr)}
	var missing error
	for _, e := range all {
		l, err := e.listen()
		if err != nil {
			err = fmt.Errorf("%w (%s)", err, e.flags)
			if e.optional && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
				missing = err
				continue
			}
			return nil, err
		}
		if on.addresses[e.protocol] == nil {
			on.protocols = append(on.protocols, e.protocol)
		}
		on.addresses[e.protocol] = append(on.addresses[e.protocol], l.Addr())
		go func() {
			if err := e.serve(l); !errors.Is(err, server.ErrClosed) {
				failed <- err
			}
		}()
	}
	if len(on.protocols) == 0 {
		return nil, missing
	}
	return on, nil
}

// log logs where the daemon listens, and warns about addresses that other machines can
// reach.
func (on *listening) log(log *slog.Logger, c *certificates) {
	var ready, open []any
	for _, protocol := range on.protocols {
		var shown, reached []string
		for _, addr := range on.addresses[protocol] {
			shown = append(shown, addr.String())
			if !server.IsLoopback(addr) {
				reached = append(reached, addr.String())
			}
		}
		ready = append(ready, protocol, strings.Join(shown, ","))
		if len(reached) > 0 {
			open = append(open, protocol, strings.Join(reached, ","))
		}
	}
	switch {
	case len(open) == 0 || c.authenticated():
	case c != nil:
		log.Warn("other machines may reach these addresses, and take any lock: there is no authentication without -tls-client-ca", open...)
	default:
		log.Warn("other machines may reach these addresses, and take any lock: there is no authentication and no encryption", open...)
	}
	log.Info("lockd is ready", ready...)
}
