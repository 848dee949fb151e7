package scenario

import (
	"fmt"
	"strconv"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/report"
)

// tokensGrow compares the tokens of grants of all kinds [TOKEN-1].
func tokensGrow(r *engine.Run) error {
	x, y := r.Name("x"), r.Name("y")
	conns, err := r.Conns("a", "b")
	if err != nil {
		return err
	}
	a, b := conns[0], conns[1]
	last := 0
	check := func(c *client.Conn, line string) error {
		token, err := r.AskInt(c, line)
		if err == nil && token <= last {
			err = report.Failf(strconv.Itoa(token), "a token greater than %d", last)
		}
		last = token
		return err
	}
	for range 5 {
		for _, step := range []struct {
			conn  *client.Conn
			line  string
			count int
			asks  string
		}{
			{a, "g " + x, 1, "t " + x}, {a, "sg " + x, 1, "st " + x}, {b, "sg " + x, 2, "st " + x},
			{b, "b 0 " + y, 1, "st " + y}, {a, "w 5 b 0 " + y, 2, "st " + y}, {b, "g " + y, 1, "t " + y},
		} {
			if err := r.WantInt(step.conn, step.line, step.count); err != nil {
				return err
			}
			if err := check(step.conn, step.asks); err != nil {
				return err
			}
		}
		if err := r.Send(b, forLong+"g "+x+"\n"); err != nil {
			return err
		}
		if err := r.WantInt(a, "r "+x, 1); err != nil {
			return err
		}
		if _, err := r.Take(b, "the grant of the name"); err != nil {
			return err
		}
		if err := check(b, "t "+x); err != nil {
			return err
		}
		for _, c := range []*client.Conn{a, b} {
			for _, line := range []string{"r " + x, "sr " + x, "sr " + y, "r " + y} {
				if _, err := r.AskInt(c, line); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// tokenKept asks again for what it holds [TOKEN-3].
func tokenKept(r *engine.Run) error {
	x := r.Name("x")
	a, err := r.Conn("a")
	if err != nil {
		return err
	}
	for _, again := range [][]string{{"t " + x, "g " + x, "w 5 g " + x}, {"st " + x, "b 3 " + x, "w 5 b 3 " + x, "sg " + x}} {
		if err := r.WantInt(a, again[1], 1); err != nil {
			return err
		}
		token, err := r.AskInt(a, again[0])
		if err != nil {
			return err
		}
		for _, line := range again[1:] {
			if err := r.WantInt(a, line, 1); err != nil {
				return err
			}
			if err := r.WantInt(a, again[0], token); err != nil {
				return err
			}
		}
	}
	return nil
}

// tokenTellsTheTime compares the tokens of grants some time apart [TOKEN-4]. The clocks
// of client and server may differ, but not by decades.
func tokenTellsTheTime(r *engine.Run) error {
	x := r.Name("x")
	a, err := r.Conn("a")
	if err != nil {
		return err
	}
	const apart = 100 * time.Millisecond
	var tokens [2]int
	for i := range tokens {
		if i > 0 {
			time.Sleep(apart)
		}
		if err := r.WantInt(a, "g "+x, 1); err != nil {
			return err
		}
		if tokens[i], err = r.AskInt(a, "t "+x); err != nil {
			return err
		}
		if err := r.WantInt(a, "r "+x, 1); err != nil {
			return err
		}
	}
	const second = 1000 << 11
	if tokens[0] < 1_000_000_000*second {
		return report.Failf(strconv.Itoa(tokens[0]), "the milliseconds since 1970 times 2^11, for a time after 2001")
	}
	if grown := time.Duration(tokens[1]-tokens[0]) >> 11 * time.Millisecond; grown < apart-2*time.Millisecond || grown > apart+r.Subject.Timeout {
		return report.Failf(fmt.Sprintf("%d and %d, which are %v apart", tokens[0], tokens[1], grown), "tokens at least %v apart, as their grants are", apart)
	}
	return nil
}
