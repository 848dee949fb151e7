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
type server struct{ addr string }

// flagSet returns the flags of a command, with -addr.
func (s *server) flagSet(command string) *flag.FlagSet {
	fs := flag.NewFlagSet(strings.TrimSpace("lockctl "+command), flag.ContinueOnError)
	s.addr = cmp.Or(os.Getenv("LOCKD_ADDR"), client.DefaultAddr)
	fs.StringVar(&s.addr, "addr", s.addr, "`address` of the server, HOST:PORT or unix:PATH; the default is LOCKD_ADDR")
	return fs
}

// dial connects.
func (s *server) dial(ctx context.Context, opts ...client.Option) (*client.Client, error) {
	return client.Dial(ctx, s.addr, opts...)
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
