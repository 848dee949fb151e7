package scenario

import (
	"fmt"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
)

// mostConnections and mostHoldings are the highest limits that the suite tests.
const (
	mostConnections = 2000
	mostHoldings    = 20000
)

// connectionLimit opens connections up to the limit, and one more [BAD-4].
func connectionLimit(r *engine.Run) error {
	limit := r.Subject.MaxConnections
	if limit > mostConnections {
		return report.Skip(fmt.Sprintf("a limit of %d connections is too high to try: at most %d", limit, mostConnections))
	}
	first, err := r.Conn("c1")
	if err != nil {
		return err
	}
	now, err := r.Statistics(first)
	if err != nil {
		return err
	}
	live := now.Connections()
	last := first
	for i := live; i < limit; i++ {
		if last, err = r.Conn(fmt.Sprintf("c%d", i+1)); err != nil {
			return err
		}
		if err := r.WantInt(last, "i "+r.Name("x"), 0); err != nil {
			return err
		}
	}
	over, err := r.Conn("over")
	if err != nil {
		return err
	}
	if err := r.ExpectLine(over, protocol.TooManyConns); err != nil {
		return err
	}
	if err := over.End(r.Subject.Timeout); !engine.IsEnd(err) {
		return report.Failf(r.Missing(over, err), "the end of the stream")
	}
	if now, err = r.Statistics(first); err != nil {
		return err
	}
	if live := now.Connections(); live != limit {
		return report.Failf(fmt.Sprint(live), "%d live connections, the refused one not counted", limit)
	}
	last.Close()
	return r.Poll(func() error { // there is room for one more
		again, err := r.Open("again", r.On)
		if err != nil {
			return err
		}
		return r.WantInt(again, "i "+r.Name("x"), 0)
	})
}

// lockLimit acquires locks up to the limit, and tries to get more [BAD-5].
func lockLimit(r *engine.Run) error {
	limit := r.Subject.MaxLocks
	if limit > mostHoldings {
		return report.Skip(fmt.Sprintf("a limit of %d locks is too high to try: at most %d", limit, mostHoldings))
	}
	if limit < 4 {
		return report.Skip("a limit below 4 leaves no room for the case")
	}
	conns, err := r.Conns("a", "b")
	if err != nil {
		return err
	}
	a, b := conns[0], conns[1]
	for i := range limit - 3 {
		if err := r.WantInt(a, "g "+r.Name(fmt.Sprintf("fill%d", i+1)), 1); err != nil {
			return err
		}
	}
	free, mine, pool := r.Name("free"), r.Name("fill1"), r.Name("pool")
	reached := protocol.LockLimitReached
	d := r.Subject.Dialect
	again := 1
	if d == protocol.Classic {
		again = 0 // [CLASSIC-2]
	}
	for _, ask := range []struct {
		conn        *client.Conn
		line, reply string
	}{
		{a, "sg " + pool, d.Reply("sg", 1, pool)},
		{b, "sg " + pool, d.Reply("sg", 2, pool)}, // a second holder is a second holding
		{b, "g " + pool, d.Reply("g", 1, pool)},
		{a, "g " + free, reached + free}, // the limit is reached
		{b, "sg " + free, reached + free},
		{a, "i " + free, d.Reply("i", 0, free)}, // and nothing has changed
		{a, "si " + free, d.Reply("si", 0, free)},
		{b, "g " + mine, d.Reply("g", 0, mine)}, // refused anyway
		{a, "g " + mine, d.Reply("g", again, mine)},
		{a, "sg " + pool, d.Reply("sg", 2, pool)},
		{a, "r " + mine, d.Reply("r", 1, mine)}, // room for one
		{b, "sg " + free, d.Reply("sg", 1, free)},
		{a, "g " + mine, reached + mine},
	} {
		if err := r.WantLine(ask.conn, ask.line, ask.reply); err != nil {
			return err
		}
	}
	return nil
}
