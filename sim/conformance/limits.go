package conformance

import (
	"fmt"
)

// mostConnections and mostHoldings are the highest limits that the suite tries
// to reach.
const (
	mostConnections = 2000
	mostHoldings    = 20000
)

// connectionLimit opens connections up to the limit and one more [BAD-4].
func connectionLimit(r *run) error {
	limit := r.suite.opts.MaxConnections
	if limit > mostConnections {
		return errSkip(fmt.Sprintf("a limit of %d connections is too high to try: at most %d", limit, mostConnections))
	}
	first, err := r.conn("c1")
	if err != nil {
		return err
	}
	now, err := r.snapshot(first)
	if err != nil {
		return err
	}
	live := now.figures["connections"] + now.figures["conns"]
	last := first
	for i := live; i < limit; i++ {
		if last, err = r.conn(fmt.Sprintf("c%d", i+1)); err != nil {
			return err
		}
		if err := r.wantInt(last, "i "+r.name("x"), 0); err != nil {
			return err
		}
	}
	over, err := r.conn("over")
	if err != nil {
		return err
	}
	if err := r.expectLine("over", "0 Too Many Connections"); err != nil {
		return err
	}
	if err := over.end(r.suite.opts.Timeout); !isEnd(err) {
		return failf(r.missing(over, err), "the end of the stream")
	}
	if now, err = r.snapshot(first); err != nil {
		return err
	}
	if live := now.figures["connections"] + now.figures["conns"]; live != limit {
		return failf(fmt.Sprint(live), "%d live connections, the refused one not counted", limit)
	}
	last.t.close()
	return r.poll(func() error { // there is room for one more
		again, err := r.open("again", r.on)
		if err != nil {
			return err
		}
		return r.wantInt(again, "i "+r.name("x"), 0)
	})
}

// lockLimit takes holdings up to the limit and more [BAD-5].
func lockLimit(r *run) error {
	limit := r.suite.opts.MaxLocks
	if limit > mostHoldings {
		return errSkip(fmt.Sprintf("a limit of %d locks is too high to try: at most %d", limit, mostHoldings))
	}
	if limit < 4 {
		return errSkip("a limit below 4 leaves no room for the case")
	}
	a, err := r.conn("a")
	if err != nil {
		return err
	}
	if _, err := r.conn("b"); err != nil {
		return err
	}
	for i := range limit - 3 {
		if err := r.wantInt(a, "g "+r.name(fmt.Sprintf("fill%d", i+1)), 1); err != nil {
			return err
		}
	}
	free, mine, pool := r.name("free"), r.name("fill1"), r.name("pool")
	reached := "0 Lock Limit Reached: "
	d := r.suite.server.Dialect
	again := 1
	if d == Classic {
		again = 0 // [CLASSIC-2]
	}
	for _, ask := range []struct{ conn, line, reply string }{
		{"a", "sg " + pool, d.reply("sg", 1, pool)},
		{"b", "sg " + pool, d.reply("sg", 2, pool)}, // a second holder is a second holding
		{"b", "g " + pool, d.reply("g", 1, pool)},
		{"a", "g " + free, reached + free}, // the limit is reached
		{"b", "sg " + free, reached + free},
		{"a", "i " + free, d.reply("i", 0, free)}, // and nothing has changed
		{"a", "si " + free, d.reply("si", 0, free)},
		{"b", "g " + mine, d.reply("g", 0, mine)}, // refused anyway
		{"a", "g " + mine, d.reply("g", again, mine)},
		{"a", "sg " + pool, d.reply("sg", 2, pool)},
		{"a", "r " + mine, d.reply("r", 1, mine)}, // room for one
		{"b", "sg " + free, d.reply("sg", 1, free)},
		{"a", "g " + mine, reached + mine},
	} {
		c, _ := r.conn(ask.conn)
		if err := r.broken(c, c.send([]byte(ask.line+"\n"), packet)); err != nil {
			return err
		}
		if err := r.expectLine(ask.conn, ask.reply); err != nil {
			return err
		}
	}
	return nil
}

// leaveTogether ends many holders of one lock at once.
func leaveTogether(r *run) error {
	watcher, err := r.conn("watcher")
	if err != nil {
		return err
	}
	const many = 30
	pool := r.name("pool")
	conns, err := r.crowd(many)
	if err != nil {
		return err
	}
	for i, c := range conns {
		if err := r.wantInt(c, "sg "+pool, i+1); err != nil {
			return err
		}
	}
	if err := r.wantInt(watcher, "sg "+pool, many+1); err != nil {
		return err
	}
	each(many, func(i int) error { return conns[i].t.close() })
	if err := r.poll(func() error { return r.wantInt(watcher, "si "+pool, 1) }); err != nil {
		return err
	}
	return r.wantInt(watcher, "sr "+pool, 1)
}
