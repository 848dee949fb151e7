// Package bubble is the layer of the simulation in virtual time. It runs the production
// server, with its goroutines for accepting, reading, writing and shutting down, in a
// testing/synctest bubble, over connections in memory.
//
// At every place where goroutines can interleave (a read, a write, a close, the
// mutex around Core) each sleeps until an instant that is drawn from the seed and that
// no other goroutine has. So the seed decides the order in which they continue, narrow
// races are found, and a run can be repeated.
//
// The package never uses a socket, a real clock or an event loop, and does not check
// histories: its caller does. Begin with [Draw] and [Run]; yield.go schedules the
// goroutines, conn.go and stream.go are the connections.
package bubble

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lockd/server"
	"lockd/sim/history"
	"lockd/sim/workload"
	"lockd/wire"
)

// patience is how long anything may take, in virtual time.
const patience = 10 * time.Minute

// Outcome is the result of one run. Check the history outside the bubble.
type Outcome struct {
	History  *history.History
	Coverage map[string]int64
}

// Run plays one run in a bubble of its own. The error says what was wrong apart from
// the history: an invalid reply, locks or goroutines left behind, a server that does
// not end. Several Runs may play concurrently.
//
// synctest.Test needs a *testing.T, of which it uses little. A new one that never began
// is enough, so that programs other than tests can call Run.
func Run(o Options) (outcome Outcome, err error) {
	defer func() {
		if r := recover(); r != nil { // synctest panics when a bubble is stuck
			err = fmt.Errorf("%v", r)
		}
	}()
	synctest.Test(new(testing.T), func(*testing.T) {
		b := newBubble(o)
		outcome, err = b.play()
	})
	return outcome, err
}

// bubble is one run.
type bubble struct {
	options  Options
	operator *actor // for what happens to the server as a whole
	clock    atomic.Int64
	conns    atomic.Int64
	coverage [coverages]atomic.Int64
	clients  []*actor
	random   []*rand.Rand // for each client

	stuck atomic.Int64 // connections that the server never closed

	current atomic.Pointer[running]
}

// running is a server and its listener.
type running struct {
	server   *server.Server
	listener *listener
	served   chan error
}

const (
	coverAcceptError = iota
	coverFailedWrite
	coverRestart
	coverClockJump
	coverAddrReuse
	coverages
)

var coverageNames = [coverages]string{"failed accept", "failed write", "restart in traffic", "clock jump", "address reuse"}

func newBubble(o Options) *bubble {
	b := &bubble{options: o, operator: newActor(o.Seed, 0, o.Jitter)}
	for i := range o.Crowd.Clients {
		b.clients = append(b.clients, newActor(o.Seed, 1+i, o.Jitter))
		b.random = append(b.random, rand.New(rand.NewPCG(o.Seed, 500+uint64(i))))
	}
	b.start(0)
	return b
}

// start starts a server. generation is how many were started before.
func (b *bubble) start(generation int) {
	mutex := newLocker(newActor(b.options.Seed, maxActors-1-2*generation, b.options.Jitter))
	r := &running{
		server:   server.New(b.options.server(mutex)),
		listener: newListener(newActor(b.options.Seed, maxActors-2-2*generation, b.options.Jitter)),
		served:   make(chan error, 1),
	}
	go func() { r.served <- r.server.Serve(r.listener) }()
	b.current.Store(r)
}

// stop shuts the server down gracefully and checks that it leaves nothing.
func (b *bubble) stop() error {
	r := b.current.Load()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	if conns, locks := r.server.Held(); conns != 0 || locks != 0 {
		return fmt.Errorf("the server has shut down and left %d connections and %d locks", conns, locks)
	}
	select {
	case err := <-r.served:
		r.served <- err // for the next call of stop
		if !errors.Is(err, server.ErrClosed) {
			return fmt.Errorf("serve ended with %v, want %v", err, server.ErrClosed)
		}
	case <-time.After(patience):
		return errors.New("the server has shut down, and Serve does not return")
	}
	return nil
}

func (b *bubble) play() (Outcome, error) {
	operated := make(chan error, 1)
	go func() { operated <- b.operate() }()
	env := workload.Environment{
		Dial:    b.dial,
		Now:     func() int64 { return b.clock.Add(1) },
		Think:   func(client int, _ *rand.Rand) { b.clients[client].yield() },
		Stall:   b.stall,
		Ended:   b.ended,
		Barrier: func() error { b.operator.sleep(time.Second); return nil },
	}
	if b.options.Restarts == 0 && b.options.IdleTimeout == 0 && !b.options.Crowd.Classic {
		env.Figures = b.figures
	}
	h, coverage, err := workload.Run(env, b.options.Crowd)
	if failed := <-operated; err == nil {
		err = failed
	}
	if err == nil && b.stuck.Load() > 0 {
		err = fmt.Errorf("the server did not close its side of %d connections within %v", b.stuck.Load(), patience)
	}
	if err == nil {
		err = b.epilogue()
	}
	if failed := b.stop(); err == nil {
		err = failed
	}
	for i := range b.coverage {
		if n := b.coverage[i].Load(); n > 0 {
			coverage[coverageNames[i]] += n
		}
	}
	return Outcome{h, coverage}, err
}

// operate restarts the server in the middle of the traffic.
func (b *bubble) operate() error {
	for i := range b.options.Restarts {
		b.operator.sleep(time.Duration(200+b.options.Seed%300) * time.Duration(b.options.Jitter) * time.Microsecond / 4)
		b.coverage[coverRestart].Add(1)
		if err := b.stop(); err != nil {
			return err
		}
		b.operator.yield()
		b.start(1 + i)
	}
	return nil
}

// dial connects a client. Actors from 16 on are those of connections, two for each.
func (b *bubble) dial(client int) (workload.Conn, error) {
	b.clients[client].yield()
	o, r := b.options, b.random[client]
	number := int(b.conns.Add(1))
	if 16+2*number >= maxActors-16 {
		return nil, errors.New("more connections than a bubble has actors for")
	}
	from := addr(fmt.Sprintf("10.0.0.%d:%d", 1+client, 1024+number))
	if o.SameAddr && r.IntN(2) == 0 {
		from = "10.0.0.77:77"
		b.coverage[coverAddrReuse].Add(1)
	}
	near, far := pipe(newActor(o.Seed, 16+2*number, o.Jitter), newActor(o.Seed, 17+2*number, o.Jitter), from, o.Window)
	near.most, far.most = o.MaxTransfer, o.MaxTransfer
	near.peer = far
	if r.IntN(100) < o.FailedWrites {
		far.failWrite = new(atomic.Int64)
		far.failWrite.Store(int64(2 + r.IntN(20)))
		b.coverage[coverFailedWrite].Add(1)
	}
	failures := 0
	if r.IntN(100) < o.AcceptErrors {
		failures = 1 + r.IntN(3)
		b.coverage[coverAcceptError].Add(1)
	}
	if !b.current.Load().listener.offer(far, failures) {
		return nil, workload.ErrRefused
	}
	return near, nil
}

// stall makes a client pause for so long that timeouts pass.
func (b *bubble) stall() {
	b.coverage[coverClockJump].Add(1)
	b.operator.sleep(3 * time.Second)
}

// ended waits until the server has closed its side, which it may do only after
// it has released the locks [END-5].
func (b *bubble) ended(c workload.Conn) bool {
	near := c.(*conn)
	select {
	case <-near.peer.done:
		near.actor.yield()
		return true
	case <-time.After(patience):
		b.stuck.Add(1)
		return false
	}
}

// figures asks for the statistics on a connection of its own.
func (b *bubble) figures() (map[string]uint64, error) {
	near, err := b.visit(0, 64<<10)
	if err != nil {
		return nil, err
	}
	defer b.ended(near)
	defer near.Close()
	if _, err := near.Write([]byte("q\n")); err != nil {
		return nil, err
	}
	return wire.NewReplyReader(near, 0).Stats()
}
