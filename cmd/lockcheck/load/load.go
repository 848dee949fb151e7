// Package load is the load generator of lockcheck bench: it measures how many commands
// a second a live server answers. For comparison it measures memcached in the same way,
// with add and delete in place of acquiring and releasing an exclusive lock.
//
// It reads replies only to count them; checking them is up to the packages of sim.
// Begin with [Run].
package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// Protocol is the protocol of the measured server.
type Protocol struct {
	Name             string
	acquire, release string // formats for a name, each answered by one line
	yes              []byte // the prefix of every reply to them
}

// The protocols.
var (
	Lockd     = Protocol{"lockd", "g %s\n", "r %s\n", []byte("1 ")}
	Memcached = Protocol{"memcached", "add %s 0 0 1\r\n1\r\n", "delete %s\r\n", []byte("STORED\r\n")}
)

// Options describe the load.
type Options struct {
	Addr     string        // host:port
	Clients  int           // connections, each with a goroutine
	Pipeline int           // commands sent at once on each
	Duration time.Duration // of the measurement
}

// Result is the result of a measurement.
type Result struct {
	Commands int           // answered
	Elapsed  time.Duration // wall time
	P50, P99 time.Duration // of the time from sending a batch to its last reply
}

// PerSecond returns the rate of commands.
func (r Result) PerSecond() float64 { return float64(r.Commands) / r.Elapsed.Seconds() }

// Run measures one server. It fails if a connection cannot be made or ends, or if a
// reply is not yes. It returns when the time is over or ctx ends.
func Run(ctx context.Context, protocol Protocol, o Options) (Result, error) {
	clients := make([]*client, o.Clients)
	for i := range clients {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", o.Addr)
		if err != nil {
			return Result{}, fmt.Errorf("cannot reach %s: %w", protocol.Name, err)
		}
		defer conn.Close()
		clients[i] = &client{conn: conn, protocol: protocol, batches: batches(protocol, fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), i), o.Pipeline), pipeline: o.Pipeline}
	}
	ctx, cancel := context.WithTimeout(ctx, o.Duration)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		for _, c := range clients {
			c.conn.SetDeadline(time.Now().Add(time.Second)) // in case the server hangs
		}
	})
	defer stop()
	start := time.Now()
	var running sync.WaitGroup
	for _, c := range clients {
		running.Go(func() { c.err = c.run(ctx) })
	}
	running.Wait()
	result := Result{Elapsed: time.Since(start)}
	var times []time.Duration
	for _, c := range clients {
		if c.err != nil {
			return Result{}, fmt.Errorf("%s: %w", protocol.Name, c.err)
		}
		result.Commands += c.commands
		times = append(times, c.times...)
	}
	if len(times) > 0 {
		slices.Sort(times)
		result.P50, result.P99 = times[len(times)/2], times[len(times)*99/100]
	}
	return result, nil
}

// batches returns the batches that a client sends in turn: they acquire and release
// names of its own. The names are new in every run, since a run may leave some in
// memcached.
func batches(protocol Protocol, prefix string, pipeline int) [][]byte {
	const names = 64
	var all [][]byte
	var batch bytes.Buffer
	commands := 0
	for i := range names {
		name := fmt.Sprintf("%s-%d", prefix, i)
		for _, format := range []string{protocol.acquire, protocol.release} {
			fmt.Fprintf(&batch, format, name)
			if commands++; commands%pipeline == 0 {
				all = append(all, bytes.Clone(batch.Bytes()))
				batch.Reset()
			}
		}
	}
	return all
}

type client struct {
	conn     net.Conn
	protocol Protocol
	batches  [][]byte
	pipeline int
	commands int
	times    []time.Duration
	err      error
}

// sampled says that one in so many batches is timed.
const sampled = 8

func (c *client) run(ctx context.Context) error {
	buf := make([]byte, 64<<10)
	for i := 0; ctx.Err() == nil; i++ {
		start := time.Now()
		if _, err := c.conn.Write(c.batches[i%len(c.batches)]); err != nil {
			return err
		}
		for got, first := 0, true; got < c.pipeline; first = false {
			n, err := c.conn.Read(buf)
			if err == io.EOF {
				err = fmt.Errorf("the server closed the connection after %d commands", c.commands)
			}
			if err != nil {
				return err
			}
			isAcquire := c.pipeline > 1 || i%2 == 0
			if first && isAcquire && !bytes.HasPrefix(buf[:n], c.protocol.yes) {
				return fmt.Errorf("the reply to %q is %q", c.batches[i%len(c.batches)], buf[:min(n, 40)])
			}
			got += bytes.Count(buf[:n], []byte{'\n'})
		}
		c.commands += c.pipeline
		if i%sampled == 0 {
			c.times = append(c.times, time.Since(start))
		}
	}
	return nil
}
