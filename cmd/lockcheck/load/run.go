//go:build linux && (amd64 || arm64 || riscv64)

package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

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
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	fd, duplicated := -1, error(nil)
	err = raw.Control(func(of uintptr) { fd, duplicated = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(err, duplicated); err != nil {
		return fmt.Errorf("cannot take over connection %d: %w", i, err)
	}
	c := &client{fd: loop.FD(fd), number: i, protocol: &g.protocol, work: newWork(g.protocol, g.options, prefix, i)}
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
const linger = 2 * time.Second

func (g *generator) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		g.stopped.Store(true)
		g.kernel.Wake()
	})
	defer stop()
	if g.options.Rate > 0 {
		g.idle = append(g.idle, g.clients...)
	}
	g.started = time.Now()
	begin := int64(g.options.Warmup)
	end := begin + int64(g.options.Duration)
	base := g.kernel.Now()
	if g.options.Rate == 0 {
		for _, c := range g.clients {
			if err := c.begin(g.kernel, g.now()); err != nil {
				return err
			}
		}
	}
	measuring, ended := false, false
	progress := begin + int64(time.Second)
	events, buf := make([]loop.Event, 512), make([]byte, 64<<10)
	for {
		now := g.now()
		if g.stopped.Load() {
			end = min(end, now)
		}
		if !measuring && now >= begin && now < end {
			measuring = true
			g.measuring(true)
			begin = g.now()
			end = begin + int64(g.options.Duration)
		}
		if measuring && !ended && now >= progress {
			progress += int64(time.Second)
			g.result.Elapsed = time.Duration(now - begin)
			if g.options.Progress != nil {
				g.options.Progress(g.result)
			}
		}
		if now >= end && !ended {
			ended = true
			g.result.Elapsed = time.Duration(now - begin)
			g.measuring(false)
			if !measuring || g.result.Commands == 0 {
				return errors.Join(ctx.Err(), fmt.Errorf("no command was answered in %v", g.options.Duration))
			}
		}
		if ended && (now >= end+int64(linger) || g.awaited() == 0) {
			return nil
		}
		until := min(progress, end)
		if !measuring {
			until = min(begin, end)
		}
		switch {
		case ended:
			until = end + int64(linger)
		case g.options.Rate > 0:
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
			if err := g.serve(g.clients[e.Token], e.Ready, buf, now, measuring && !ended, ended); err != nil {
				return err
			}
		}
	}
}

func (g *generator) measuring(begins bool) {
	if g.options.Measuring != nil {
		g.options.Measuring(begins)
	}
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
func (g *generator) serve(c *client, ready loop.Ready, buf []byte, now int64, measure, ended bool) error {
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
	if measure && replies > 0 {
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
	if c.awaited > 0 || ended {
		return nil
	}
	if g.options.Rate > 0 {
		g.idle = append(g.idle, c)
		return nil
	}
	return c.begin(g.kernel, now)
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

// Pin lets this process run on one processor only.
func Pin(processor int) error {
	var set unix.CPUSet
	set.Set(processor)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		var id int
		if _, err := fmt.Sscan(thread.Name(), &id); err != nil {
			continue
		}
		if err := unix.SchedSetaffinity(id, &set); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("cannot run on processor %d only: %w", processor, err)
		}
	}
	return nil
}
