package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cast is a Core and what a test has seen of it.
type cast struct {
	*Core
	t   *testing.T
	now Time
	fx  Effects
}

func newCast(t *testing.T, config Config, conns int) *cast {
	c := &cast{Core: New(config), t: t}
	for i := range conns {
		open(c.Core, fmt.Sprintf("h:%d", i+1))
	}
	return c
}

// send sends lines on a connection, which must all be executed, and returns the replies.
func (c *cast) send(id ID, lines ...string) string {
	c.t.Helper()
	c.fx.Reset()
	rest, _ := c.Receive(c.now, id, []byte(strings.Join(lines, "\n")+"\n"), &c.fx)
	if len(rest) > 0 {
		c.t.Fatalf("%q is left", rest)
	}
	c.valid()
	return string(c.fx.To(id))
}

// answers returns the answers of the last call to connections that have waited.
func (c *cast) answers() (all []string) {
	for _, r := range c.fx.Resumed() {
		all = append(all, fmt.Sprintf("%d: %s", r.To, strings.TrimSuffix(string(r.Reply), "\n")))
	}
	return all
}

func (c *cast) tick() {
	c.t.Helper()
	c.fx.Reset()
	c.Tick(c.now, &c.fx)
	c.valid()
}

func (c *cast) valid() {
	c.t.Helper()
	if err := c.Valid(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cast) expect(what string, got, want any) {
	c.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestTokens checks the tokens of grants: TOKEN-1, TOKEN-2, TOKEN-3, TOKEN-4.
func TestTokens(t *testing.T) {
	c := newCast(t, Config{LastToken: 5}, 2)
	c.expect("the first two", c.send(1, "g a", "sg a", "t a", "st a"), "1 Lock Get Success: a\n1 Shared Lock Get Success: a\n6 Lock Token: a\n7 Lock Token: a\n")
	c.now = 3 * Millisecond
	c.expect("three milliseconds later", c.send(2, "sg a", "g b", "st a", "t b", "t a"),
		"2 Shared Lock Get Success: a\n1 Lock Get Success: b\n6144 Lock Token: a\n6145 Lock Token: b\n0 Lock Not Held: a\n")
	c.expect("again", c.send(1, "g a", "sg a", "w 5 g a", "t a", "st a", "t nobodys"),
		"1 Lock Get Success: a\n2 Shared Lock Get Success: a\n1 Lock Get Success: a\n6 Lock Token: a\n7 Lock Token: a\n0 Lock Not Held: nobodys\n")
	c.send(2, "w 60000 g a")
	c.send(1, "r a")
	c.expect("after a wait", c.send(2, "t a"), "6146 Lock Token: a\n")
	if c.LastToken() != 6146 {
		t.Errorf("the last token is %d", c.LastToken())
	}
	ahead := newCast(t, Config{LastToken: 1 << 62}, 1)
	ahead.now = 1_800_000_000 * Second
	ahead.expect("a horizon in the future", ahead.send(1, "g a", "t a"), "1 Lock Get Success: a\n4611686018427387905 Lock Token: a\n")
}

// TestLists checks l and lw, with time and prefixes: LIST-1, LIST-2, LIST-3, LIST-4.
func TestLists(t *testing.T) {
	for _, small := range []int{0, -1} { // at once, and made elsewhere
		c := newCast(t, Config{Dump: true, Registry: true, SmallDump: small}, 4)
		c.send(1, "iam one", "g b", "g ba", "sg a")
		c.now = 7 * Millisecond
		c.send(2, "b 3 a", "g a")
		c.send(3, "w 60000 g b")
		c.now = 9 * Millisecond
		c.send(4, "w 60000 g b")
		list := func(line string) string {
			replies, rest := ask(c.Core, 1, line+"\n") // at the time 0, in which nothing is old
			if len(rest) > 0 {
				t.Errorf("%q is left", rest)
			}
			return replies
		}
		c.expect("l", list("l"), "6 Locks: \n"+
			"x\t0\t14337\t0\t-\t2\th:2\th:2\ta\n"+
			"x\t0\t1\t2\t-\t1\th:1\tone\tb\n"+
			"x\t0\t2\t0\t-\t1\th:1\tone\tba\n"+
			"s\t0\t3\t0\t-\t1\th:1\tone\ta\n"+
			"s\t0\t14336\t0\t3\t2\th:2\th:2\ta\n")
		c.expect("l b", list("l b"), "3 Locks: b\nx\t0\t1\t2\t-\t1\th:1\tone\tb\nx\t0\t2\t0\t-\t1\th:1\tone\tba\n")
		c.expect("l nobody", list("l nobody"), "1 Locks: nobody\n")
		c.expect("lw", list("lw"), "3 Waiters: \nx\t0\t1\t-\t3\th:3\th:3\tb\nx\t0\t2\t-\t4\th:4\th:4\tb\n")
		c.expect("lw ba", list("lw ba"), "1 Waiters: ba\n")
		if small == 0 {
			c.now = 20 * Millisecond
			c.expect("ages", c.send(1, "l b", "lw"), "3 Locks: b\nx\t20\t1\t2\t-\t1\th:1\tone\tb\nx\t20\t2\t0\t-\t1\th:1\tone\tba\n"+
				"3 Waiters: \nx\t13\t1\t-\t3\th:3\th:3\tb\nx\t11\t2\t-\t4\th:4\th:4\tb\n")
		}
	}
}

// TestListLimit checks that a list is refused by its own size, not by that of the tables
// (LIST-5, DUMP-10).
func TestListLimit(t *testing.T) {
	c := newCast(t, Config{Dump: true, SmallDump: -1}, 1)
	c.maxReply = 2000
	for i := range 30 {
		c.send(1, fmt.Sprintf("g n%d", i), fmt.Sprintf("g other%d", i))
	}
	refused, _ := ask(c.Core, 1, "l\n")
	c.expect("all", refused, "0 Reply Too Large\n")
	refused, _ = ask(c.Core, 1, "l n\n")
	c.expect("too many with the prefix", refused, "0 Reply Too Large\n")
	reply, _ := ask(c.Core, 1, "l n1\n")
	if want := "12 Locks: n1\n"; !strings.HasPrefix(reply, want) || strings.Count(reply, "\n") != 12 {
		t.Errorf("got %q, want 12 lines", reply)
	}
}

// TestDeadlines checks when waits end: WAIT-4. A deadline is the earliest moment, and
// until Tick a release may still grant.
func TestDeadlines(t *testing.T) {
	c := newCast(t, Config{}, 5)
	c.send(1, "g a")
	c.send(2, "w 20 g a")
	c.send(3, "w 10 g a")
	c.send(4, "w 10 g a")
	c.expect("the next Tick", c.Next(), 10*Millisecond)
	c.now = 10*Millisecond - 1
	c.tick()
	c.expect("too early", c.answers(), []string(nil))
	c.now = 30 * Millisecond
	c.send(1, "r a")
	c.expect("a release before Tick", c.answers(), []string{"2: 1 Lock Get Success: a"})
	c.tick()
	c.expect("Tick", c.answers(), []string{"3: 0 Wait Timeout: a", "4: 0 Wait Timeout: a"})
	c.expect("nothing is due", c.Next(), Never)
	c.send(5, "w 1000000000000 g a")
	c.expect("far away", c.Next(), 30*Millisecond+1_000_000_000_000*Millisecond)
	c.now = Never - Second
	c.send(3, "w 5000 g a")
	if c.Next() > c.now {
		t.Errorf("the wait of connection 5 has no deadline: %d", c.Next())
	}
}

// TestStopCancels checks that a server that stops cancels all waits in one step, in the
// order in which they began, and grants none: WAIT-7.
func TestStopCancels(t *testing.T) {
	c := newCast(t, Config{ServePiece: 1}, 5)
	c.send(1, "g a", "b 1 s")
	c.send(2, "w 5 b 1 s")
	c.send(3, "w 50 g a")
	c.send(4, "w 5 g a")
	c.fx.Reset()
	c.Stop(c.now, &c.fx)
	c.valid()
	c.expect("the answers", c.answers(), []string{"2: 0 Wait Cancelled: s", "3: 0 Wait Cancelled: a", "4: 0 Wait Cancelled: a"})
	c.expect("afterwards", c.send(5, "w 5 g a", "w 0 g a", "w 5 g b"), "0 Wait Cancelled: a\n0 Wait Timeout: a\n1 Lock Get Success: b\n")
	c.fx.Reset()
	c.Close(c.now, 1, &c.fx)
	c.expect("the end of the holder", c.answers(), []string(nil))
}

// TestServedInPieces checks that very many waiters are served in several steps, during
// which nobody else gets the name: WAIT-3.
func TestServedInPieces(t *testing.T) {
	const waiters = 1000
	c := newCast(t, Config{ServePiece: 300}, waiters+2)
	c.send(1, "b 1 s")
	for i := range waiters {
		c.send(ID(i+3), "w 60000 b 0 s")
	}
	c.expect("the release", c.send(1, "sr s"), "1 Shared Lock Release Success: s\n")
	var served []int
	for served = []int{len(c.answers())}; c.Next() == 0; served = append(served, len(c.answers())) {
		c.expect("another", c.send(2, "b 0 s", "w 0 b 0 s"), "0 Shared Lock Full: s\n0 Wait Timeout: s\n")
		c.tick()
	}
	c.expect("how many are served in each step", served, []int{300, 300, 300, 100})
	c.expect("another", c.send(2, "b 0 s"), "1001 Shared Lock Get Success: s\n")
}

// TestServedBytes checks that a step makes no more replies than the output of a batch,
// although names may be long.
func TestServedBytes(t *testing.T) {
	const waiters = 20
	c := newCast(t, Config{}, waiters+1)
	name := strings.Repeat("n", 60_000)
	c.send(1, "b 1 "+name)
	for i := range waiters {
		c.send(ID(i+2), "w 60000 b 0 "+name)
		if _, state := c.Receive(0, ID(i+2), nil, &c.fx); state.Held < len(name) {
			t.Fatalf("a wait for a name of %d bytes holds %d", len(name), state.Held)
		}
	}
	c.send(1, "sr "+name)
	if n := len(c.answers()); n != 2 {
		t.Errorf("%d are served in one step, want 2", n)
	}
}

// TestKillCosts checks that a batch of kills of connections with many locks ends early.
func TestKillCosts(t *testing.T) {
	c := newCast(t, Config{Kill: true}, 41)
	var kills []string
	for i := range 40 {
		for n := range 1000 {
			c.Receive(0, ID(i+2), fmt.Appendf(nil, "g %d-%d\n", i, n), &c.fx)
			c.fx.Reset()
		}
		kills = append(kills, fmt.Sprintf("k %d\n", i+2))
	}
	rest, _ := c.Receive(0, 1, []byte(strings.Join(kills, "")), &c.fx)
	if n := strings.Count(string(rest), "\n"); n < 25 || n > 35 {
		t.Errorf("%d of 40 kills are left", n)
	}
	if n := len(c.fx.Dropped()); n < 5 || c.Close(0, c.fx.Dropped()[0], &c.fx) != (Orphans{Exclusive: 1000}) || c.Close(0, c.fx.Dropped()[0], &c.fx) != (Orphans{}) {
		t.Errorf("%d connections are dropped, or their orphans are not told once", n)
	}
}

// TestWaitEvents checks the events of waits and kills.
func TestWaitEvents(t *testing.T) {
	c := newCast(t, Config{Events: true, Kill: true}, 4)
	var got []string
	names := []string{Got: "got", Refused: "refused", Limited: "limited", Released: "released", Orphaned: "orphaned", Queued: "queued", TimedOut: "timed out", Cancelled: "cancelled", Killed: "killed"}
	note := func() {
		for _, e := range c.fx.Events() {
			got = append(got, fmt.Sprintf("%s %d %s %v", names[e.Kind], e.Conn, e.Name, e.Shared))
		}
	}
	c.send(1, "g a", "b 1 s")
	note()
	for id, line := range map[ID]string{2: "w 5 g a", 3: "w 9 b 1 s"} {
		c.send(id, line)
		got = append(got, "") // in any order
		if e := c.fx.Events(); len(e) != 1 || e[0].Kind != Queued || e[0].Conn != id {
			t.Errorf("%q: %+v", line, e)
		}
	}
	c.now = 5 * Millisecond
	c.tick()
	note()
	c.fx.Reset()
	c.EndOfStream(c.now, 3, &c.fx)
	note()
	c.send(4, "b 1 s", "w 0 g a", "k 1")
	note()
	c.expect("the events", slices.DeleteFunc(got, func(s string) bool { return s == "" }), []string{
		"got 1 a false", "got 1 s true", "timed out 2 a false", "cancelled 3 s true",
		"refused 4 s true", "refused 4 a false", "orphaned 1 a false", "orphaned 1 s true", "killed 1  false",
	})
}
