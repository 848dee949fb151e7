package sockets

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"lockd/sim/history"
	"lockd/sim/workload"
)

// Run records one history of the server in this process. No other client may use the
// server meanwhile.
func (l *Local) Run(o Options) (*history.History, map[string]int64, error) {
	if o.Library {
		return l.runLibrary(o)
	}
	base, err := l.statistics()
	if err != nil {
		return nil, nil, err
	}
	o.Crowd.Base = base
	var now atomic.Int64
	env := workload.Environment{
		Dial:    func(int) (workload.Conn, error) { return l.dial() },
		Now:     func() int64 { return now.Add(1) },
		Think:   func(int, *rand.Rand) {},
		Stall:   func() { time.Sleep(time.Millisecond) },
		Ended:   func(c workload.Conn) bool { return c.(*link).wait() },
		Barrier: func() error { return nil },
		Figures: l.statistics,
	}
	var flood error
	flooded := make(chan struct{})
	if o.Flood {
		env.Figures = nil
		go func() { defer close(flooded); flood = l.flood() }()
	} else {
		close(flooded)
	}
	h, coverage, err := workload.Run(env, o.Crowd)
	<-flooded
	if o.Flood {
		coverage["full buffers"]++
		err = errors.Join(err, flood)
	}
	if o.Crowd.EndPercent >= 50 {
		coverage["reconnect storm"]++
	}
	return h, coverage, err
}

// dial connects, and counts connections to know the server's number for each.
func (l *Local) dial() (*link, error) {
	l.dialling.Lock()
	defer l.dialling.Unlock()
	c, err := dial(l.endpoint)
	if err != nil {
		return nil, err
	}
	c.SetReadDeadline(time.Now().Add(patience)) // a missing reply is a failure, not a hang
	c.ended = l.end(l.dialled)
	l.dialled++
	return c, nil
}

// statistics asks for the statistics on a connection of its own, and waits for its end.
func (l *Local) statistics() (map[string]uint64, error) {
	c, err := l.dial()
	if err != nil {
		return nil, err
	}
	defer c.wait()
	defer c.Reset()
	return c.statistics()
}

// flood sends many requests, reads nothing, and resets the connection when the buffers
// are full.
func (l *Local) flood() error {
	c, err := l.dial()
	if err != nil {
		return err
	}
	defer c.wait()
	defer c.Reset()
	c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	line := []byte(strings.Repeat("q full\n", 1000))
	for range 10_000 {
		if _, err := c.Write(line); err != nil {
			return nil // full
		}
	}
	return errors.New("the server has read 10,000,000 requests of a client that reads no replies; it should stop reading")
}
