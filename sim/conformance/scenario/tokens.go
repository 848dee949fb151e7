package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/report"
)

// tokensGrow compares the tokens of grants of all kinds [TOKEN-1].
func tokensGrow(r *engine.Run) error {
	x, y := r.Name("x"), r.Name("y")
	a, err := r.Conn("a")
	if err != nil {
		return err
	}
	b, err := r.Conn("b")
	if err != nil {
		return err
	}
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
			conn       *client.Conn
			line, asks string
		}{
			{a, "g " + x, "t " + x}, {a, "sg " + x, "st " + x}, {b, "sg " + x, "st " + x},
			{b, "b 0 " + y, "st " + y}, {a, "w 5 b 0 " + y, "st " + y}, {b, "g " + y, "t " + y},
		} {
			if n, err := r.AskInt(step.conn, step.line); err != nil || n == 0 {
				return report.Failf(fmt.Sprint(n, err), "%s to be granted", step.line)
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

// fields splits the lines of a list, and checks that each has n fields.
func fields(lines []string, n int) ([][]string, error) {
	var all [][]string
	for _, line := range lines {
		f := strings.Split(line, "\t")
		if len(f) != n {
			return nil, report.Failf(strconv.Quote(line), "%d fields, separated by one TAB each", n)
		}
		all = append(all, f)
	}
	return all, nil
}

// mostAge is the greatest age in milliseconds that a list may show of what is done in
// a case.
const mostAge = 600_000

// compareFields compares a list with what is wanted. A wanted field ? is any number, age
// one of milliseconds up to mostAge.
func compareFields(lines []string, want [][]string) error {
	got, err := fields(lines, len(want[0]))
	if err != nil {
		return err
	}
	expected := func() []string {
		var all []string
		for _, w := range want {
			all = append(all, strings.Join(w, "  "))
		}
		return all
	}
	matches := func(got, want string) bool {
		n, err := strconv.ParseUint(got, 10, 63)
		switch want {
		case "?":
			return err == nil && n > 0
		case "age":
			return err == nil && n < mostAge
		}
		return got == want
	}
	if !slices.EqualFunc(got, want, func(g, w []string) bool { return slices.EqualFunc(g, w, matches) }) {
		return report.Failf(engine.Listing(lines), "the fields\n%s", strings.Join(expected(), "\n"))
	}
	return nil
}

// listOfHolders compares l with what is held [LIST-1, LIST-2].
func listOfHolders(r *engine.Run) error {
	a, b, number, addr, err := couple(r)
	if err != nil {
		return err
	}
	waiter, err := r.Conn("waiter")
	if err != nil {
		return err
	}
	x := r.Name("x")
	for _, step := range []struct {
		conn *client.Conn
		line string
	}{
		{a, "g " + x + "2"}, {a, "sg " + x}, {b, "b 5 " + x}, {b, "b 0 " + x + "3"}, {b, "g " + x},
	} {
		if n, err := r.AskInt(step.conn, step.line); err != nil || n == 0 {
			return report.Failf(fmt.Sprint(n, err), "%s to be granted", step.line)
		}
	}
	if err := r.Stand(waiter, forLong+"g "+x, x, 1, a); err != nil {
		return err
	}
	holder := addr[0]
	if r.Subject.Registry {
		if err := r.WantInt(a, "iam worker 1", 1); err != nil {
			return err
		}
		holder = "worker 1"
	}
	token, err := r.AskInt(b, "t "+x)
	if err != nil {
		return err
	}
	lines, err := r.List(b, "l", x)
	if err != nil {
		return err
	}
	want := [][]string{
		{"x", "age", strconv.Itoa(token), "1", "-", number[1], addr[1], addr[1], x},
		{"x", "age", "?", "0", "-", number[0], addr[0], holder, x + "2"},
		{"s", "age", "?", "0", "-", number[0], addr[0], holder, x},
		{"s", "age", "?", "0", "5", number[1], addr[1], addr[1], x},
		{"s", "age", "?", "0", "0", number[1], addr[1], addr[1], x + "3"},
	}
	if err := compareFields(lines, want); err != nil {
		return err
	}
	if lines, err = r.List(b, "l", x+"3"); err != nil {
		return err
	}
	return compareFields(lines, want[4:])
}

// couple opens two connections, and returns their numbers and addresses.
func couple(r *engine.Run) (a, b *client.Conn, number, addr []string, err error) {
	for _, name := range []string{"a", "b"} {
		c, err := r.Conn(name)
		if err != nil {
			return nil, nil, nil, nil, err
		}
		line, err := r.Request(c, "me")
		if err != nil {
			return nil, nil, nil, nil, err
		}
		own, err := numberOf(r, c)
		if err != nil {
			return nil, nil, nil, nil, err
		}
		words := strings.Fields(line)
		if len(words) < 2 {
			return nil, nil, nil, nil, report.Failf(line, "1 ADDR NAME")
		}
		number, addr = append(number, strconv.Itoa(own)), append(addr, words[1])
		a, b = b, c
	}
	return a, b, number, addr, nil
}

// numberOf returns the number of a connection [KILL-4].
func numberOf(r *engine.Run, c *client.Conn) (int, error) {
	line, err := r.Request(c, "k")
	if err != nil {
		return 0, err
	}
	number, text, _ := strings.Cut(line, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || text != "This Connection" {
		return 0, report.Failf(line, "CONN This Connection")
	}
	return n, nil
}

// listOfWaiters compares lw with who waits [LIST-3, LIST-4].
func listOfWaiters(r *engine.Run) error {
	a, b, number, addr, err := couple(r)
	if err != nil {
		return err
	}
	x := r.Name("x")
	c, err := r.Conn("c")
	if err != nil {
		return err
	}
	own, err := numberOf(r, c)
	if err != nil {
		return err
	}
	me, err := r.Request(c, "me")
	if err != nil {
		return err
	}
	at := strings.Fields(me)[1]
	watch, err := r.Conn("watch")
	if err != nil {
		return err
	}
	for _, line := range []string{"g " + x, "g " + x + "1", "b 1 " + x} {
		if err := r.WantInt(watch, line, 1); err != nil {
			return err
		}
	}
	for i, step := range []struct {
		conn *client.Conn
		line string
	}{
		{b, "b 3 " + x}, {a, "g " + x + "1"}, {c, "g " + x + "1"},
	} {
		if err := r.Stand(step.conn, forLong+step.line, x, i+1, watch); err != nil {
			return err
		}
	}
	lines, err := r.List(watch, "lw", x)
	if err != nil {
		return err
	}
	want := [][]string{
		{"x", "age", "1", "-", number[0], addr[0], addr[0], x + "1"},
		{"x", "age", "2", "-", strconv.Itoa(own), at, at, x + "1"},
		{"s", "age", "1", "3", number[1], addr[1], addr[1], x},
	}
	if err := compareFields(lines, want); err != nil {
		return err
	}
	if lines, err = r.List(watch, "lw", x+"1"); err != nil {
		return err
	}
	return compareFields(lines, want[:2])
}

// ownNumber compares the numbers of connections [KILL-4].
func ownNumber(r *engine.Run) error {
	_, _, number, _, err := couple(r)
	if err == nil && number[0] == number[1] {
		err = report.Failf("number "+number[0]+" for both", "two numbers for two connections")
	}
	return err
}
