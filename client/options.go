package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"lockd/wire"
)

// Option is an option of Dial.
type Option func(*options)

type options struct {
	name      string
	normalize bool
	keepAlive time.Duration
	timeout   time.Duration
	idle      int
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	tls       *tls.Config // nil: none
}

var defaults = options{keepAlive: 15 * time.Second, timeout: 10 * time.Second, idle: 16}

// WithName registers a name for every connection of the Client, which lists of holders
// show instead of its address, where the server has the registry.
func WithName(name string) Option { return func(o *options) { o.name = name } }

// WithNormalizedNames lets names have any white space but LF. The server removes it at
// the ends, and makes one space of each run inside; so "a  b" and " a b" are one lock,
// "a b". Without this option such names are refused.
func WithNormalizedNames() Option { return func(o *options) { o.normalize = true } }

// WithKeepAlive sets the time within which a server whose machine or network has vanished
// is noticed: half of it in silence, half for probes without an answer. The default is 15
// seconds. It should be well below the daemon's own -keepalive (30 s), so that the holder
// of a lock knows of the loss before another can get the lock. 0 switches it off: a
// server that has vanished is never noticed then. It means nothing on a unix socket.
func WithKeepAlive(d time.Duration) Option { return func(o *options) { o.keepAlive = d } }

// WithDialTimeout sets how long it may take to connect, and to find out what the server
// can do, 10 seconds by default; and how long the release at the end of Do may take.
func WithDialTimeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// WithIdleConns sets how many connections are kept for the locks to come, 16 by default.
func WithIdleConns(n int) Option { return func(o *options) { o.idle = n } }

// WithDialer makes the connections; network is tcp or unix. TLS goes on top of them.
// WithKeepAlive does nothing then, and Lock.SyscallConn needs connections that are a
// syscall.Conn.
func WithDialer(dial func(ctx context.Context, network, address string) (net.Conn, error)) Option {
	return func(o *options) { o.dial = dial }
}

// lockName checks a name, and returns it as the server keeps it.
func (o *options) lockName(name string) (string, error) {
	switch {
	case strings.IndexByte(name, '\n') >= 0:
		return "", fmt.Errorf("%w: it has a line feed, which ends a command", ErrName)
	case wire.Normal(name):
		return name, nil
	case o.normalize:
		return wire.Normalize(name), nil
	}
	return "", fmt.Errorf("%w: the server would make %.80q of it, and take two names for one; change the white space", ErrName, wire.Normalize(name))
}
