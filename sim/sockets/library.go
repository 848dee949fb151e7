package sockets

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lockd/client"
	"lockd/sim/history"
)

// Some runs use the Go client, so that their histories prove it, too: each program has a
// Client for locks, and a Session for cheap commands. A history has the connections that
// the Client uses, as it is that which holds the locks.

// library is a run of programs that use the Go client.
type library struct {
	local *Local
	o     Options
	now   atomic.Int64
	conns atomic.Int64

	mu       sync.Mutex
	history  history.History
	coverage map[string]int64
	failure  error
}

// runLibrary records one history of programs that use the Go client.
func (l *Local) runLibrary(o Options) (*history.History, map[string]int64, error) {
	lib := &library{local: l, o: o, coverage: map[string]int64{"client library": 1}}
	var wait sync.WaitGroup
	for i := range o.Crowd.Clients {
		wait.Go(func() {
			p := &program{library: lib, number: i, random: rand.New(rand.NewPCG(o.Crowd.Seed, uint64(i)+1))}
			err := p.run()
			lib.mu.Lock()
			defer lib.mu.Unlock()
			for _, op := range p.ops {
				lib.history.Ops = append(lib.history.Ops, *op)
			}
			lib.failure = errors.Join(lib.failure, err)
		})
	}
	wait.Wait()
	figures, err := l.statistics()
	if err == nil && (figures["locks"] != 0 || figures["shared_locks"] != 0 || figures["connections"] != 1) {
		err = fmt.Errorf("all programs have ended, but q shows %v", figures)
	}
	slices.SortFunc(lib.history.Ops, func(a, b history.Operation) int { return int(a.Call - b.Call) })
	lib.history.Addrs = make([]string, lib.conns.Load())
	return &lib.history, lib.coverage, errors.Join(lib.failure, err)
}

func (l *library) hit(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.coverage[what]++
}

// program is one user of the library. It does one thing after the other.
type program struct {
	*library
	number  int
	random  *rand.Rand
	client  *client.Client
	dialled *used // the newest connection of client
	session *client.Session
	side    *used // the connection of session
	ops     []*history.Operation
}

// used is a connection that the library uses.
type used struct {
	*link
	id     int
	seq    int
	closed atomic.Bool // by the library
	over   bool        // its end is in the history
}

func (u *used) Close() error {
	u.closed.Store(true)
	return u.link.Close()
}

// dial is the dialer of the library.
func (p *program) dial(context.Context, string, string) (net.Conn, error) {
	c, err := p.local.dial()
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Time{}) // a Lock's connection is silent for as long as it is held
	p.dialled = &used{link: c, id: int(p.conns.Add(1)) - 1}
	return p.dialled, nil
}

// open opens the client and the session.
func (p *program) open(ctx context.Context) (err error) {
	if p.client, err = client.Dial(ctx, p.local.endpoint.String(), client.WithDialer(p.dial)); err != nil {
		return err
	}
	p.session, err = p.client.Session(ctx)
	p.side, p.dialled = p.dialled, &used{over: true} // the session has taken it
	return err
}

func (p *program) run() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.open(ctx); err != nil {
		return err
	}
	defer p.session.Close()
	defer p.client.Close()
	for range p.o.Crowd.Ops / 2 {
		act := p.lock
		if p.random.IntN(3) == 0 {
			act = p.command
		}
		if err := act(ctx); err != nil {
			return err
		}
	}
	call := p.now.Add(1)
	p.session.Close()
	p.ended(p.side, call)
	call = p.now.Add(1)
	p.client.Close()
	p.ended(p.dialled, call)
	return nil
}

// begin records the call of an operation.
func (p *program) begin(on *used, command, name string, bound int) *history.Operation {
	op := &history.Operation{Conn: on.id, Seq: on.seq, Command: command, Name: name, Bound: bound, Call: p.now.Add(1)}
	on.seq++
	p.ops = append(p.ops, op)
	return op
}

// answer records the answer to an operation.
func (p *program) answer(op *history.Operation, value int) {
	op.Answered, op.Value, op.Return = true, value, p.now.Add(1)
}

// ended records the end of a connection, and of what was not answered on it.
func (p *program) ended(on *used, call int64) {
	if on.over {
		return
	}
	on.over = true
	on.wait()
	p.ops = append(p.ops, &history.Operation{Conn: on.id, Seq: on.seq, Command: history.End, Call: call})
	now := p.now.Add(1)
	for _, op := range p.ops {
		if op.Conn == on.id && !op.Answered {
			op.Return = now
		}
	}
}

func (p *program) name() string { return p.o.Crowd.Names[p.random.IntN(len(p.o.Crowd.Names))] }

// lock acquires a lock in one of the ways that there are, and releases or loses it.
func (p *program) lock(ctx context.Context) error {
	if p.dialled.over { // begin on the connection that Acquire will use
		probe, err := p.client.TryAcquire(ctx, fmt.Sprint("of program ", p.number))
		if err != nil {
			return err
		}
		if err := probe.Release(ctx); err != nil {
			return err
		}
	}
	// There is always a limit: the session of this program may hold the lock.
	limits := []time.Duration{time.Millisecond, 5 * time.Millisecond, 30 * time.Millisecond}
	hurry, cancel := context.WithTimeout(ctx, limits[p.random.IntN(len(limits))])
	defer cancel()
	on, name, bound := p.dialled, p.name(), p.random.IntN(3)
	names := []string{name}
	var command string
	var l *client.Lock
	var err error
	var ops []*history.Operation
	switch p.random.IntN(6) {
	case 0:
		command = history.Get
		ops = append(ops, p.begin(on, command, name, 0))
		l, err = p.client.TryAcquire(hurry, name)
	case 1:
		command = history.GetBounded
		ops = append(ops, p.begin(on, command, name, bound))
		l, err = p.client.TryAcquireShared(hurry, name, bound)
	case 2, 3:
		command = history.WaitBounded
		ops = append(ops, p.begin(on, command, name, bound))
		l, err = p.client.AcquireShared(hurry, name, bound)
	case 4:
		command, names = history.WaitGet, slices.Clone(p.o.Crowd.Names)
		slices.Sort(names)
		for _, name := range names {
			ops = append(ops, p.begin(on, command, name, 0))
		}
		l, err = p.client.AcquireAll(hurry, names...)
	default:
		command = history.WaitGet
		ops = append(ops, p.begin(on, command, name, 0))
		l, err = p.client.Acquire(hurry, name)
	}
	switch {
	case p.dialled != on:
		return fmt.Errorf("a lock has got connection %d, and connection %d is in use", p.dialled.id, on.id)
	case err == nil:
		for _, op := range ops {
			p.answer(op, 1)
		}
		ops[len(ops)-1].Value = l.Holders()
		return p.release(ctx, l, on, command == history.GetBounded || command == history.WaitBounded, names)
	case on.closed.Load():
		p.hit("library: gave up")
		p.ended(on, ops[0].Call)
		return nil
	case hurry.Err() != nil: // too late to be sent, or to matter
		p.ops = p.ops[:len(p.ops)-len(ops)]
		on.seq -= len(ops)
		return nil
	case len(ops) == 1 && (errors.Is(err, client.ErrHeld) || errors.Is(err, client.ErrFull) || errors.Is(err, client.ErrTimeout)):
		p.answer(ops[0], 0)
		return nil
	case len(ops) > 1 && errors.Is(err, client.ErrTimeout): // the first one: nothing was granted
		p.ops = p.ops[:len(p.ops)-len(ops)+1]
		on.seq -= len(ops) - 1
		p.answer(ops[0], 0)
		return nil
	}
	return err
}

// release releases a lock, or loses it.
func (p *program) release(ctx context.Context, l *client.Lock, on *used, shared bool, names []string) error {
	if l.Context().Err() != nil {
		return fmt.Errorf("a lock that was granted is lost: %w", context.Cause(l.Context()))
	}
	if p.random.IntN(100) < p.o.Crowd.EndPercent {
		p.hit("library: lock lost")
		call := p.now.Add(1)
		on.Reset()
		select {
		case <-l.Context().Done():
		case <-time.After(patience):
			return errors.New("the connection of a lock was reset, and its Context has not ended")
		}
		if err := l.Release(ctx); !errors.Is(err, client.ErrLost) || !errors.Is(context.Cause(l.Context()), client.ErrLost) {
			return fmt.Errorf("the release of a lost lock returns %v, its Context %w", err, context.Cause(l.Context()))
		}
		p.ended(on, call)
		return nil
	}
	command := history.Release
	if shared {
		command = history.ReleaseShared
	}
	var ops []*history.Operation
	for _, name := range slices.Backward(names) {
		ops = append(ops, p.begin(on, command, name, 0))
	}
	if err := l.Release(ctx); err != nil {
		return err
	}
	for _, op := range ops {
		p.answer(op, 1)
	}
	return nil
}

// command asks the session.
func (p *program) command(ctx context.Context) error {
	name := p.name()
	yes := func(err error, no error) (int, error) {
		if errors.Is(err, no) {
			return 0, nil
		}
		return 1, err
	}
	var n int
	var err error
	var op *history.Operation
	switch p.random.IntN(6) {
	case 0:
		op = p.begin(p.side, history.Get, name, 0)
		n, err = yes(p.session.Get(ctx, name), client.ErrHeld)
	case 1, 2:
		op = p.begin(p.side, history.Release, name, 0)
		n, err = yes(p.session.Release(ctx, name), client.ErrNotHeld)
	case 3:
		op = p.begin(p.side, history.Inspect, name, 0)
		held, inspectErr := p.session.Inspect(ctx, name)
		if err = inspectErr; held {
			n = 1
		}
	case 4:
		op = p.begin(p.side, history.InspectShared, name, 0)
		n, err = p.session.InspectShared(ctx, name)
	default:
		op = p.begin(p.side, history.ReleaseShared, name, 0)
		n, err = yes(p.session.ReleaseShared(ctx, name), client.ErrNotHeld)
	}
	p.answer(op, n)
	return err
}
