package scenario

import (
	"slices"
	"strconv"
	"strings"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/transcript"
)

// known is a connection, with the number and the address under which the server shows it.
type known struct {
	conn         *client.Conn
	number, addr string
}

// introduce opens connections, and asks the server for the number and the address of
// each [KILL-4, ME-1].
func introduce(r *engine.Run, names ...string) ([]known, error) {
	conns, err := r.Conns(names...)
	if err != nil {
		return nil, err
	}
	var all []known
	for _, c := range conns {
		me, err := r.Request(c, "me")
		if err != nil {
			return nil, err
		}
		words := strings.Fields(me)
		if len(words) < 3 || words[0] != "1" {
			return nil, report.Failf(transcript.Quote([]byte(me)), "a line 1 ADDR NAME")
		}
		k, err := r.Request(c, "k")
		if err != nil {
			return nil, err
		}
		number, text, _ := strings.Cut(k, " ")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || text != "This Connection" {
			return nil, report.Failf(transcript.Quote([]byte(k)), "a line CONN This Connection")
		}
		all = append(all, known{c, strconv.Itoa(n), words[1]})
	}
	return all, nil
}

// mostAge is the greatest age in milliseconds that a list may show of what is done in
// a case.
const mostAge = 600_000

// compareFields compares a list with what is wanted. A wanted field ? is any number, age
// one of milliseconds up to mostAge.
func compareFields(lines []string, want [][]string) error {
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
	var got [][]string
	for _, line := range lines {
		fields := strings.Split(line, "\t")
		if n := len(want[0]); len(fields) != n {
			return report.Failf(strconv.Quote(line), "%d fields, separated by one TAB each", n)
		}
		got = append(got, fields)
	}
	if slices.EqualFunc(got, want, func(g, w []string) bool { return slices.EqualFunc(g, w, matches) }) {
		return nil
	}
	var expected []string
	for _, w := range want {
		expected = append(expected, strings.Join(w, "  "))
	}
	return report.Failf(engine.Listing(lines), "the fields\n%s", strings.Join(expected, "\n"))
}

// listOfHolders compares l with what is held [LIST-1, LIST-2].
func listOfHolders(r *engine.Run) error {
	pair, err := introduce(r, "a", "b")
	if err != nil {
		return err
	}
	a, b := pair[0], pair[1]
	waiter, err := r.Conn("waiter")
	if err != nil {
		return err
	}
	x := r.Name("x")
	for _, step := range []struct {
		by    known
		line  string
		count int
	}{
		{a, "g " + x + "2", 1}, {a, "sg " + x, 1}, {b, "b 5 " + x, 2}, {b, "b 0 " + x + "3", 1}, {b, "g " + x, 1},
	} {
		if err := r.WantInt(step.by.conn, step.line, step.count); err != nil {
			return err
		}
	}
	if err := r.Stand(waiter, forLong+"g "+x, x, 1, a.conn); err != nil {
		return err
	}
	holder := a.addr
	if r.Subject.Registry {
		if err := r.WantInt(a.conn, "iam worker 1", 1); err != nil {
			return err
		}
		holder = "worker 1"
	}
	token, err := r.AskInt(b.conn, "t "+x)
	if err != nil {
		return err
	}
	lines, err := r.List(b.conn, "l", x)
	if err != nil {
		return err
	}
	want := [][]string{
		{"x", "age", strconv.Itoa(token), "1", "-", b.number, b.addr, b.addr, x},
		{"x", "age", "?", "0", "-", a.number, a.addr, holder, x + "2"},
		{"s", "age", "?", "0", "-", a.number, a.addr, holder, x},
		{"s", "age", "?", "0", "5", b.number, b.addr, b.addr, x},
		{"s", "age", "?", "0", "0", b.number, b.addr, b.addr, x + "3"},
	}
	if err := compareFields(lines, want); err != nil {
		return err
	}
	if lines, err = r.List(b.conn, "l", x+"3"); err != nil {
		return err
	}
	return compareFields(lines, want[4:])
}

// listOfWaiters compares lw with who waits [LIST-3, LIST-4].
func listOfWaiters(r *engine.Run) error {
	three, err := introduce(r, "a", "b", "c")
	if err != nil {
		return err
	}
	a, b, c := three[0], three[1], three[2]
	watch, err := r.Conn("watch")
	if err != nil {
		return err
	}
	x := r.Name("x")
	for _, line := range []string{"g " + x, "g " + x + "1", "b 1 " + x} {
		if err := r.WantInt(watch, line, 1); err != nil {
			return err
		}
	}
	for i, step := range []struct {
		by   known
		line string
	}{
		{b, "b 3 " + x}, {a, "g " + x + "1"}, {c, "g " + x + "1"},
	} {
		if err := r.Stand(step.by.conn, forLong+step.line, x, i+1, watch); err != nil {
			return err
		}
	}
	lines, err := r.List(watch, "lw", x)
	if err != nil {
		return err
	}
	want := [][]string{
		{"x", "age", "1", "-", a.number, a.addr, a.addr, x + "1"},
		{"x", "age", "2", "-", c.number, c.addr, c.addr, x + "1"},
		{"s", "age", "1", "3", b.number, b.addr, b.addr, x},
	}
	if err := compareFields(lines, want); err != nil {
		return err
	}
	if lines, err = r.List(watch, "lw", x+"1"); err != nil {
		return err
	}
	return compareFields(lines, want[:2])
}
