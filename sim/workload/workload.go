// Package workload runs concurrent clients that contend for a few locks over real or
// simulated connections, end the connections in every possible way, and record what they
// saw as a history.
//
// It opens no connection itself and has no clock: both come from its [Environment], which
// sim/bubble and sim/sockets provide. It checks what a single client can see, such as the
// form of replies; the history as a whole is checked by sim/history. Begin with [Run].
package workload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"lockd/sim/history"
)

// Conn is a client's connection.
type Conn interface {
	net.Conn
	// CloseWrite ends the client's stream; the client can still read. On a
	// WebSocket it is the close handshake.
	CloseWrite() error
	// Reset drops the connection and the data under way on it.
	Reset() error
}

// Environment is what the clients need from the simulation or the system.
type Environment struct {
	// Dial connects. ErrRefused ends one attempt, but not the run.
	Dial func(client int) (Conn, error)
	// Now is a strictly increasing counter, safe for concurrent use.
	Now func() int64
	// Think makes a client pause; in the bubble other goroutines run meanwhile.
	Think func(client int, r *rand.Rand)
	// Stall makes a client that reads slowly pause for long.
	Stall func()
	// Ended waits until the server has closed a connection that the client closed
	// or reset. It returns false if that is unknown, or takes too long.
	Ended func(Conn) bool
	// Barrier waits until the server has closed all connections of the run; it is
	// called once all clients are done.
	Barrier func() error
	// Figures gets the statistics after that; nil if other clients may use the
	// server.
	Figures func() (map[string]uint64, error)
}

// ErrRefused is the error of Dial while the server does not accept connections.
var ErrRefused = errors.New("the server refused the connection")

// Options are the options of a run.
type Options struct {
	Seed       uint64
	Clients    int
	Names      []string
	Ops        int // of each client
	Pipeline   int // maximum of commands in one write
	EndPercent int // chance that a client ends its connection after a batch
	// AbortPercent is the share of ends other than the half-close.
	AbortPercent int
	SplitPercent int // chance that a batch is sent in pieces
	StallPercent int // chance that the replies to a batch are read late
	TablePercent int // chance of q, dump and dump shared; they need the dump feature
	ThinkPercent int
	Classic      bool
	Extended     bool // waits and bounds, too
	// Anonymous clients do not send me, which some servers never answer.
	Anonymous bool
	// Reliable says that the server never ends a connection on its own, so
	// that every command before a half-close must be answered [END-4].
	Reliable bool
	// Base is what q shows before the run.
	Base map[string]uint64
	// HalfCloses says that CloseWrite is a half-close, after which replies
	// still arrive.
	HalfCloses bool
}

// ProtocolError is a violation of the protocol that one client saw.
type ProtocolError struct{ Text string }

func (e *ProtocolError) Error() string { return e.Text }

func protocolError(format string, args ...any) error {
	return &ProtocolError{fmt.Sprintf(format, args...)}
}

// run is the state of a run.
type run struct {
	env      Environment
	options  Options
	conns    atomic.Int64 // ever opened
	tally    tally
	stopped  atomic.Bool
	mu       sync.Mutex
	history  history.History
	coverage map[string]int64
	failure  error
}

// Run runs the clients and returns what they saw. The error is a *ProtocolError, or an
// error of the connections.
func Run(env Environment, o Options) (*history.History, map[string]int64, error) {
	c := &run{env: env, options: o, coverage: map[string]int64{}}
	c.history.Classic = o.Classic
	var done sync.WaitGroup
	for i := range o.Clients {
		done.Go(func() { c.join(newClient(c, i)) })
	}
	done.Wait()
	if c.failure == nil {
		c.failure = env.Barrier()
	}
	if c.failure == nil && env.Figures != nil {
		c.failure = c.atRest()
	}
	now := env.Now()
	for i := range c.history.Ops {
		if op := &c.history.Ops[i]; op.Return == 0 {
			op.Return = now
		}
	}
	slices.SortFunc(c.history.Ops, func(a, b history.Operation) int { return int(a.Call - b.Call) })
	slices.SortFunc(c.history.Faults, func(a, b history.Fault) int { return int(a.At - b.At) })
	return &c.history, c.coverage, c.failure
}

// atRest checks the statistics after all clients have ended: nothing is held, and exactly
// the answered commands are counted.
func (c *run) atRest() error {
	figures, err := c.env.Figures()
	if err != nil {
		return err
	}
	for _, key := range []string{"locks", "shared_locks"} {
		if figures[key] != 0 {
			return protocolError("all clients have ended, but q shows %s: %d", key, figures[key])
		}
	}
	if figures["connections"] != 1 {
		return protocolError("all clients have ended, but q shows connections: %d, including its own", figures["connections"])
	}
	c.tally.send(history.Statistics)
	c.tally.answer(history.Statistics)
	return c.tally.check(figures, c.options.Base, c.tally.floor())
}

// join runs one client and collects what it saw.
func (c *run) join(cl *client) {
	err := cl.work()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, op := range cl.ops {
		c.history.Ops = append(c.history.Ops, *op)
	}
	c.history.Faults = append(c.history.Faults, cl.faults...)
	for conn, addr := range cl.addrs {
		for len(c.history.Addrs) <= conn {
			c.history.Addrs = append(c.history.Addrs, "")
		}
		c.history.Addrs[conn] = addr
	}
	for what, n := range cl.coverage {
		c.coverage[what] += n
	}
	if err != nil && c.failure == nil {
		c.failure = err
	}
	if err != nil {
		c.stopped.Store(true)
	}
}
