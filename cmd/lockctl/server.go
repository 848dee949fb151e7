package main

import (
	"cmp"
	"context"
	"flag"
	"os"
	"strings"

	"lockd/client"
)

// server is the server that a command talks to.
type server struct {
	addr   string
	secure secure
}

// flagSet returns the flags of a command, with those that say where the server is.
func (s *server) flagSet(command string) *flag.FlagSet {
	fs := flag.NewFlagSet(strings.TrimSpace("lockctl "+command), flag.ContinueOnError)
	s.addr = cmp.Or(os.Getenv("LOCKD_ADDR"), client.DefaultAddr)
	fs.StringVar(&s.addr, "addr", s.addr, "`address` of the server, HOST:PORT, tls://HOST:PORT or unix:PATH; the default is LOCKD_ADDR")
	s.secure.add(fs)
	return fs
}

// dial connects.
func (s *server) dial(ctx context.Context, opts ...client.Option) (*client.Client, error) {
	secure, err := s.secure.options()
	if err != nil {
		return nil, err
	}
	return client.Dial(ctx, s.addr, append(secure, opts...)...)
}

// session connects, for a few commands.
func (s *server) session(ctx context.Context) (*client.Client, *client.Session, error) {
	c, err := s.dial(ctx, client.WithIdleConns(1))
	if err != nil {
		return nil, nil, err
	}
	session, err := c.Session(ctx)
	if err != nil {
		c.Close()
	}
	return c, session, err
}
