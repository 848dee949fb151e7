package conformance

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// scenarios are the cases that need loops and goroutines, by the name that
// their script calls.
var scenarios map[string]func(*run) error

func init() {
	scenarios = map[string]func(*run) error{
		"one-winner":               oneWinner,
		"counts-in-turn":           countsInTurn,
		"hand-over":                handOver,
		"reconnect-storm":          reconnectStorm,
		"many-connections":         manyConnections,
		"slow-reader":              slowReader,
		"replies-in-one-packet":    repliesInOnePacket,
		"statistics-in-one-packet": statisticsInOnePacket,
		"statistics-with-a-name":   statisticsWithAName,
		"unix-address":             unixAddress,
		"address-reuse":            addressReuse,
		"garbage":                  garbage,
		"come-and-go":              comeAndGo,
		"whole-statistics-message": wholeStatisticsMessage,
		"released-in-one-step":     releasedInOneStep,
		"statistics-in-one-step":   statisticsInOneStep,
		"dump-in-one-step":         dumpInOneStep,
		"full-in-one-step":         fullInOneStep,
		"connection-limit":         connectionLimit,
		"lock-limit":               lockLimit,
		"leave-together":           leaveTogether,
		"linearizable-exclusive":   linearizable([]string{"g", "r", "i"}, 0),
		"linearizable-shared":      linearizable([]string{"sg", "sr"}, 0),
		"linearizable-disconnects": linearizable([]string{"g", "r", "i", "sg", "sr"}, 0.06),
	}
}

// each runs do in n goroutines and returns the first error in order of i.
func each(n int, do func(i int) error) error {
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { errs[i] = do(i) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// crowd opens n connections.
func (r *run) crowd(n int) ([]*conn, error) {
	conns := make([]*conn, n)
	for i := range conns {
		c, err := r.conn(fmt.Sprintf("c%d", i+1))
		if err != nil {
			return nil, err
		}
		conns[i] = c
	}
	return conns, nil
}

// askInt sends a line and returns the INT of its reply.
func (r *run) askInt(c *conn, line string) (int, error) {
	text, err := r.request(c, line)
	if err != nil {
		return 0, err
	}
	n := integer(text)
	if n < 0 {
		return 0, failf(quote([]byte(text)), "a reply INT SP TEXT to %s", quote([]byte(line)))
	}
	return n, nil
}

// wantInt sends a line and checks the INT of its reply.
func (r *run) wantInt(c *conn, line string, want int) error {
	text, err := r.request(c, line)
	if err != nil {
		return err
	}
	if err := checkInt(text, want); err != nil {
		return failf(quote([]byte(text)), "a line that begins with \"%d \" in answer to %s", want, quote([]byte(line)))
	}
	return nil
}

// reconnectStorm ends connections that hold locks while others want them.
func reconnectStorm(r *run) error {
	watcher, err := r.conn("watcher")
	if err != nil {
		return err
	}
	const rounds, names = 5, 6
	held := make([]string, names)
	for i := range held {
		held[i] = r.name(fmt.Sprintf("storm%d", i+1))
	}
	ends := []func(*conn) error{
		func(c *conn) error { return c.t.close() },
		func(c *conn) error { return c.t.reset() },
		func(c *conn) error { return c.t.halfClose() },
	}
	err = each(names, func(i int) error {
		for round := range rounds {
			c, err := r.open(fmt.Sprintf("s%dx%d", i+1, round+1), r.on)
			if err != nil {
				return err
			}
			err = r.poll(func() error { return r.wantInt(c, "g "+held[i], 1) })
			if err != nil {
				return err
			}
			if _, err := r.askInt(c, "sg "+held[(i+round)%names]); err != nil {
				return err
			}
			if err := ends[(i+round)%len(ends)](c); err != nil {
				return r.broken(c, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range held {
		for _, command := range []string{"i ", "si "} {
			if err := r.poll(func() error { return r.wantInt(watcher, command+name, 0) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// manyConnections holds one name of its own and one shared name on each of
// many connections.
func manyConnections(r *run) error {
	const many = 200
	conns, err := r.crowd(many)
	if err != nil {
		return err
	}
	common := r.name("common")
	for i, c := range conns {
		if err := r.wantInt(c, "g "+r.name(fmt.Sprintf("own%d", i+1)), 1); err != nil {
			return err
		}
		if err := r.wantInt(c, "sg "+common, i+1); err != nil {
			return err
		}
	}
	shuffled := rand.New(rand.NewPCG(1, 1)).Perm(many)
	for gone, i := range shuffled[:many/2] {
		if err := r.wantInt(conns[i], "sr "+common, 1); err != nil {
			return err
		}
		if err := r.wantInt(conns[shuffled[many-1]], "si "+common, many-gone-1); err != nil {
			return err
		}
	}
	return nil
}

// comeAndGo opens and closes many connections, some in the middle of a line.
func comeAndGo(r *run) error {
	b, err := r.conn("b")
	if err != nil {
		return err
	}
	const many = 100
	err = each(4, func(i int) error {
		for n := range many / 4 {
			c, err := r.conn(fmt.Sprintf("c%dx%d", i+1, n+1))
			if err != nil {
				return err
			}
			if err := r.wantInt(c, "g "+r.name(c.name), 1); err != nil {
				return err
			}
			if n%2 == 0 {
				c.t.reset()
			} else if err := r.broken(c, c.send([]byte("i "), packet)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.wantInt(b, "g "+r.name("x"), 1)
}

// slowReader sends commands whose replies fill every buffer, reads none of
// them, and expects the server to serve others meanwhile.
func slowReader(r *run) error {
	t, err := dial(r.ctx, r.on, r.suite.opts.Timeout)
	if err != nil {
		return failf(err.Error(), "a connection to %s", r.on)
	}
	r.log.note("a", "connects, sends commands for some MiB of replies, and reads none")
	defer t.reset()
	flood := []byte(strings.Repeat("i "+r.name("flood")+strings.Repeat("x", 200)+"\n", 200))
	sent := make(chan struct{})
	var progress atomic.Int64
	go func() {
		defer close(sent)
		for range 1000 { // 45 MiB, more than kernels buffer, or until the server stops reading
			if t.write(flood, packet) != nil {
				return
			}
			progress.Add(1)
		}
	}()
	for before := int64(-1); progress.Load() != before; time.Sleep(150 * time.Millisecond) {
		before = progress.Load()
	}
	b, err := r.conn("b")
	if err != nil {
		return err
	}
	for range 20 {
		if err := r.wantInt(b, "g "+r.name("other"), 1); err != nil {
			return err
		}
		if err := r.wantInt(b, "r "+r.name("other"), 1); err != nil {
			return err
		}
	}
	t.reset()
	<-sent
	return nil
}
