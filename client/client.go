package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"lockd/wire"
)

// Client is a server's client. It is safe for concurrent use.
type Client struct {
	options
	addr             string
	network, address string

	mu     sync.Mutex
	level  level   // what the server could do when it was asked last
	stale  bool    // ask again: another server may be there by now
	idle   []*conn // that hold nothing; the last was used last
	closed bool
	open   map[*conn]struct{} // all connections of locks
}

// Dial connects to the server at HOST:PORT, tls://HOST:PORT or unix:PATH, and finds out
// what it can do. The connection is kept for the first lock.
func Dial(ctx context.Context, addr string, opts ...Option) (*Client, error) {
	c := &Client{options: defaults, addr: addr, stale: true, open: map[*conn]struct{}{}}
	for _, o := range opts {
		o(&c.options)
	}
	network, address, secure, err := parseAddr(addr)
	if err != nil {
		return nil, err
	}
	c.network, c.address, c.tls = network, address, tlsFor(c.tls, secure, network, address)
	if c.name, err = c.lockName(c.name); err != nil {
		return nil, err
	}
	if c.options.dial == nil {
		c.options.dial = c.defaultDial
	}
	k, err := c.dial(ctx)
	if err != nil {
		return nil, c.error("connect", "", err)
	}
	c.mu.Lock()
	c.open[k] = struct{}{}
	c.mu.Unlock()
	c.put(k)
	return c, nil
}

// Close ends all connections of the Client but those of Sessions, and so releases all its
// locks, which count as lost to their holders.
func (c *Client) Close() error {
	c.mu.Lock()
	open := c.open
	c.closed, c.open, c.idle = true, nil, nil
	c.mu.Unlock()
	for k := range open {
		k.end(ErrClosed)
	}
	return nil
}

// Addr returns the address that Dial was given.
func (c *Client) Addr() string { return c.addr }

// Extended says whether the server has the extended level: whether it lets clients wait
// in line, and has bounds and tokens.
func (c *Client) Extended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.level.extended
}

// Version returns the version that the server names, and what it has of the extended
// level; "" if it does not have that.
func (c *Client) Version() (version string, features []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.level.version, c.level.features
}

// error returns the error of an operation; nil if there is none.
func (c *Client) error(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Name: name, Addr: c.addr, Err: err}
}

// defaultDial connects.
func (c *Client) defaultDial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	if half := c.keepAlive / 2; half > 0 {
		d.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: half, Interval: max(half/probes, time.Second), Count: probes}
		d.Control = userTimeout(c.keepAlive)
	}
	return d.DialContext(ctx, network, address)
}

// probes is how many probes of keepalive are not answered before a connection is lost.
const probes = 3

// dial opens a connection, ready for use.
func (c *Client) dial(ctx context.Context) (*conn, error) {
	c.mu.Lock()
	known, closed := c.level, c.closed
	stale := c.stale || len(c.open) == 0 // then nothing has told whether the server was replaced
	c.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	inTime, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	stream, err := c.connect(inTime)
	if err == nil {
		k := newConn(stream, c.ended)
		if stale {
			if known, err = k.detect(inTime); err == nil {
				c.mu.Lock()
				c.level, c.stale = known, false
				c.mu.Unlock()
			}
		}
		if err == nil {
			err = c.greet(inTime, k, known)
		}
		if err == nil {
			return k, nil
		}
		k.end(ErrClosed)
		err = c.greetingError(err)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ended(ctx)
	case inTime.Err() != nil && errors.Is(err, ErrTLS):
		return nil, fmt.Errorf("%w within %v, in the handshake of TLS: %w", ErrNoAnswer, c.timeout, err)
	case inTime.Err() != nil:
		return nil, fmt.Errorf("%w within %v", ErrNoAnswer, c.timeout)
	}
	return nil, err
}

// greet makes a new connection to a server that can do so much ready, and registers the
// name, where the server has names.
func (c *Client) greet(ctx context.Context, k *conn, known level) error {
	k.mu.Lock()
	if k.level = known; !known.extended {
		k.turn = make(chan struct{}, 1)
	}
	k.mu.Unlock()
	if c.name == "" || known.classic {
		return nil
	}
	_, err := k.lines(ctx, wire.Iam, c.name)
	if errors.Is(err, ErrDisabled) {
		return nil
	}
	return err
}

// get returns an idle connection, or a new one.
func (c *Client) get(ctx context.Context) (k *conn, used bool, err error) {
	c.mu.Lock()
	for len(c.idle) > 0 {
		k := c.idle[len(c.idle)-1]
		c.idle = c.idle[:len(c.idle)-1]
		if !k.over() {
			c.mu.Unlock()
			return k, true, nil
		}
	}
	c.mu.Unlock()
	if k, err = c.dial(ctx); err != nil {
		return nil, false, err
	}
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.open[k] = struct{}{}
	}
	c.mu.Unlock()
	if closed {
		k.end(ErrClosed)
		return nil, false, ErrClosed
	}
	return k, false, nil
}

// put takes a connection back that holds nothing and awaits nothing.
func (c *Client) put(k *conn) {
	c.mu.Lock()
	keep := len(c.idle) < c.options.idle && !c.closed && !k.over()
	if keep {
		c.idle = append(c.idle, k)
	}
	c.mu.Unlock()
	if !keep {
		k.end(ErrClosed)
	}
}

// ended forgets a connection that has ended, and, unless it was closed, what the server
// can do: another one may be there by now.
func (c *Client) ended(k *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, k)
	if i := slices.Index(c.idle, k); i >= 0 {
		c.idle = slices.Delete(c.idle, i, i+1)
	}
	if !errors.Is(k.err, ErrClosed) {
		c.stale = true
	}
}
