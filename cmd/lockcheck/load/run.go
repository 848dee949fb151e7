//go:build linux && (amd64 || arm64 || riscv64)

package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"lockd/server/core"
	"lockd/server/epoll"
	"lockd/server/loop"
)

// Run puts a load on a server, for o.Warmup and o.Duration or until ctx ends. It fails if a
// connection cannot be made or ends, and if an acquisition is refused of a name that
// nobody else uses. It takes one processor.
func Run(ctx context.Context, p Protocol, o Options) (Result, error) {
	if err := o.Check(p); err != nil {
		return Result{}, err
	}
	kernel, err := epoll.New()
	if err != nil {
		return Result{}, err
	}
	defer kernel.Release()
	g := &generator{protocol: p, options: o, kernel: kernel, result: Result{Latency: newLatency()}}
	defer g.close()
	// Names are new in every run, since what a run leaves in memcached stays there.
	prefix := fmt.Sprintf("b%x.", time.Now().UnixMilli()&0xffffff)
	for i := range o.Connections {
		if err := g.connect(ctx, prefix, i); err != nil {
			return Result{}, err
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := g.run(ctx); err != nil {
		return Result{}, fmt.Errorf("%s: %w", p.Name, err)
	}
	return g.result, nil
}

// generator is one event loop with its connections.
type generator struct {
	protocol Protocol
	options  Options
	kernel   *epoll.Kernel
	clients  []*client
	started  time.Time
	stopped  atomic.Bool // the context has ended
	result   Result

	// In nanoseconds since started: of the measurement, and when the next progress is due.
	phase                phase
	begin, end, progress int64

	// With a rate: the connections that wait for work, the first one first, and how many
	// batches were sent.
	idle []*client
	sent int64
}

func (g *generator) close() {
	for _, c := range g.clients {
		g.kernel.Close(c.fd)
	}
}

// connect makes a connection, whose descriptor is the generator's.
func (g *generator) connect(ctx context.Context, prefix string, i int) error {
	network, addr := g.options.network()
	conn, err := (&net.Dialer{KeepAlive: -1, Timeout: 10 * time.Second}).DialContext(ctx, network, addr)
	if err != nil {
		return fmt.Errorf("cannot reach %s: %w", g.protocol.Name, err)
	}
	defer conn.Close()
	fd, err := descriptor(conn)
	if err != nil {
		return err
	}
	c := &client{fd: fd, number: i, protocol: &g.protocol, work: newWork(g.protocol, g.options, prefix, i)}
	g.clients = append(g.clients, c)
	if errno := g.kernel.Watch(c.fd, loop.Readable, uint64(i)); errno != 0 {
		return fmt.Errorf("connection %d: epoll: %w", i, errno)
	}
	return nil
}

// now returns the time since the load began, in nanoseconds.
func (g *generator) now() int64 { return int64(time.Since(g.started)) }

// clockEvery is for how many events the clock is read once: some microseconds, in which one
// connection of many waits a little longer than is measured, and the next one shorter.
const clockEvery = 4

// linger is how long the generator waits for the last replies.
const linger = int64(2 * time.Second)

// phase is a part of a load.
type phase int

const (
	warming phase = iota
	measuring
	draining // nothing is sent any more
)

func (g *generator) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		g.stopped.Store(true)
		g.kernel.Wake()
	})
	defer stop()
	g.started = time.Now()
	base := g.kernel.Now()
	g.begin, g.end = int64(g.options.Warmup), int64(g.options.Warmup+g.options.Duration)
	for _, c := range g.clients {
		if err := g.next(c, g.now()); err != nil {
			return err
		}
	}
	events, buf := make([]loop.Event, 512), make([]byte, 64<<10)
	for {
		now := g.now()
		until, err := g.advance(ctx, now)
		if err != nil || g.phase == draining && (now >= until || g.awaited() == 0) {
			return err
		}
		if g.options.Rate > 0 && g.phase != draining {
			due, err := g.sendDue(now)
			if err != nil {
				return err
			}
			// The kernel waits for whole milliseconds; the last one is spent polling.
			until = min(until, due-int64(time.Millisecond))
		}
		n := g.kernel.Wait(events, base+core.Time(until))
		for i, e := range events[:n] {
			if i%clockEvery == 0 {
				now = g.now()
			}
			if err := g.serve(g.clients[e.Token], e.Ready, buf, now); err != nil {
				return err
			}
		}
	}
}

// advance begins the next phase when it is time, and returns the time at which to look again.
func (g *generator) advance(ctx context.Context, now int64) (until int64, err error) {
	if g.stopped.Load() {
		g.end = min(g.end, now)
	}
	if g.phase == warming && now >= g.begin && now < g.end {
		g.phase = measuring
		g.tell(true)
		g.begin = g.now()
		g.end, g.progress = g.begin+int64(g.options.Duration), g.begin+int64(time.Second)
	}
	if g.phase != draining && now >= g.end {
		g.phase = draining
		g.result.Elapsed = time.Duration(now - g.begin)
		g.tell(false)
		if g.result.Commands == 0 {
			return 0, errors.Join(ctx.Err(), fmt.Errorf("no command was answered in %v", g.options.Duration))
		}
	}
	switch g.phase {
	case warming:
		return min(g.begin, g.end), nil
	case draining:
		return g.end + linger, nil
	}
	if now >= g.progress {
		g.progress += int64(time.Second)
		g.result.Elapsed = time.Duration(now - g.begin)
		if g.options.Progress != nil {
			g.options.Progress(g.result)
		}
	}
	return min(g.progress, g.end), nil
}

// tell tells the caller that the measurement begins or ends.
func (g *generator) tell(begins bool) {
	if g.options.Measuring != nil {
		g.options.Measuring(begins)
	}
}

// next gives a connection that has nothing to wait for its next batch: at once, or when one
// is due.
func (g *generator) next(c *client, now int64) error {
	if g.options.Rate > 0 {
		g.idle = append(g.idle, c)
		return nil
	}
	return c.begin(g.kernel, now)
}

// sendDue sends the batches that are due, as far as connections are idle, and returns when
// the next one is; if none is idle that is never, since a reply comes first.
func (g *generator) sendDue(now int64) (next int64, err error) {
	every := float64(g.options.Depth) * 1e9 / g.options.Rate
	for len(g.idle) > 0 {
		due := int64(float64(g.sent) * every)
		if due > now {
			return due, nil
		}
		c := g.idle[0]
		g.idle = g.idle[1:]
		g.sent++
		if err := c.begin(g.kernel, due); err != nil {
			return 0, err
		}
	}
	return int64(core.Never / 2), nil
}

// serve takes what has arrived for a connection, and sends its next batch if all of the
// last one is answered.
func (g *generator) serve(c *client, ready loop.Ready, buf []byte, now int64) error {
	if ready&loop.Writable != 0 && len(c.unsent) > 0 {
		if err := c.send(g.kernel, c.unsent); err != nil {
			return err
		}
	}
	if ready&^loop.Writable == 0 {
		return nil
	}
	n, errno := g.kernel.Read(c.fd, buf)
	switch {
	case errno == syscall.EAGAIN:
		return nil
	case errno != 0:
		return fmt.Errorf("connection %d: read: %w", c.number, errno)
	case n == 0:
		return fmt.Errorf("connection %d was closed by the server, which owes %d replies", c.number, c.awaited)
	}
	replies, yes, refused, err := c.count(buf[:n])
	if err != nil {
		return err
	}
	if g.phase == measuring && replies > 0 {
		g.result.Commands += int64(replies)
		g.result.Yes += int64(yes)
		// What takes longer than the longest is recorded as that.
		if err := g.result.Latency.RecordValues(min(max(now-c.since, 1), int64(longest)), int64(replies)); err != nil {
			return err
		}
	}
	if yes < replies && g.options.certain() {
		return fmt.Errorf("connection %d: a lock that nobody else wants was refused, or not released: %q", c.number, refused)
	}
	if c.awaited > 0 || g.phase == draining {
		return nil
	}
	return g.next(c, now)
}

// certain says whether every reply must be a yes.
func (o Options) certain() bool {
	_, inspects := o.Mix[Inspect]
	return o.Contention == 0 && !inspects
}

// awaited returns how many replies are still to come.
func (g *generator) awaited() (sum int) {
	for _, c := range g.clients {
		sum += c.awaited
	}
	return sum
}
