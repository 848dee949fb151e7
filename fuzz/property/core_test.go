// Package property tests properties of core.Core: rapid searches for counterexamples
// and shrinks them, TestExhaustion goes through all states of a small world, and
// TestEverySplit through all ways to split the lines of a corpus. It uses no server,
// sockets or clock. Begin with coreProperty, which compares Core with the model.
package property

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"lockd/server/core"
	"lockd/sim/judge"
	"lockd/wire"
)

const connections = 4

var names = []string{"", "a", "b", "a b", "\x00", "\xff"}

// drawConfig draws a configuration.
func drawConfig(t *rapid.T) core.Config {
	return core.Config{
		Dialect:        rapid.SampledFrom([]wire.Dialect{wire.Glockd, wire.Classic}).Draw(t, "dialect"),
		Registry:       rapid.Bool().Draw(t, "registry"),
		Dump:           rapid.Bool().Draw(t, "dump"),
		AnswerInvalid:  rapid.Bool().Draw(t, "answer-invalid"),
		MaxLine:        rapid.SampledFrom([]int{0, 8}).Draw(t, "max-line"),
		MaxConnections: rapid.SampledFrom([]int{0, 3}).Draw(t, "max-connections"),
		MaxLocks:       rapid.SampledFrom([]int{0, 2}).Draw(t, "max-locks"),
		Kill:           rapid.Bool().Draw(t, "kill"),
		ServePiece:     rapid.SampledFrom([]int{0, 1}).Draw(t, "serve-piece"),
		PID:            4242,
	}
}

// coreProperty is a state machine test of Core against the model, with every command,
// connecting, disconnecting, dumps, statistics, messages and torn packets.
func coreProperty(t *rapid.T) {
	j := judge.New(drawConfig(t))
	conn := func(t *rapid.T) int { return rapid.IntRange(0, connections-1).Draw(t, "connection") }
	send := func(t *rapid.T, data string) { j.Send(conn(t), []byte(data)) }
	named := func(word string) func(*rapid.T) {
		return func(t *rapid.T) { send(t, word+" "+rapid.SampledFrom(names).Draw(t, "name")+"\n") }
	}
	actions := map[string]func(*rapid.T){
		"open": func(t *rapid.T) {
			if n := conn(t); !j.IsOpen(n) {
				j.Open(n, judge.Addr(n))
			}
		},
		"close":       func(t *rapid.T) { j.CloseNow(conn(t)) },
		"end message": func(t *rapid.T) { j.EndMessageNow(conn(t)) },
		"end stream":  func(t *rapid.T) { j.Finish(conn(t)) },
		"time":        func(t *rapid.T) { j.Pass(core.Time(rapid.IntRange(0, 10).Draw(t, "milliseconds")) * core.Millisecond) },
		"wait": func(t *rapid.T) {
			what := rapid.SampledFrom([]string{"g", "b 0", "b 1", "b 2"}).Draw(t, "what")
			ms := rapid.SampledFrom([]int{0, 5, 5, 60000}).Draw(t, "wait")
			send(t, fmt.Sprintf("w %d %s %s\n", ms, what, rapid.SampledFrom(names).Draw(t, "name")))
		},
		"bounded": func(t *rapid.T) {
			send(t, fmt.Sprintf("b %d %s\n", rapid.IntRange(0, 3).Draw(t, "bound"), rapid.SampledFrom(names).Draw(t, "name")))
		},
		"kill": func(t *rapid.T) { send(t, fmt.Sprintf("k %d\n", rapid.IntRange(1, 9).Draw(t, "number"))) },
		"": func(t *rapid.T) { // after every action
			j.Valid()
			if err := j.Err(); err != nil {
				t.Fatal(err)
			}
		},
		"packet": func(t *rapid.T) {
			send(t, rapid.StringOf(rapid.SampledFrom([]rune("grsiq ab\n\n\r\t"))).Draw(t, "packet"))
		},
	}
	for command := wire.Get; command < wire.NumCommands; command++ {
		actions[command.String()] = named(command.String())
	}
	for _, line := range []string{"q full", "dump shared", "nonsense", ""} {
		actions["line "+line] = func(t *rapid.T) { send(t, line+"\n") }
	}
	t.Repeat(actions)
	j.CloseAll()
	if err := j.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestCore runs the state machine test.
func TestCore(t *testing.T) { rapid.Check(t, coreProperty) }

// FuzzCoreProperty is the state machine test with the fuzzer's input as the source of
// rapid's choices.
func FuzzCoreProperty(f *testing.F) {
	for i := range 8 {
		seed := make([]byte, 8192)
		for j := range seed {
			seed[j] = byte(j*j*(2*i+1)>>5) ^ byte(i*41)
		}
		f.Add(seed)
	}
	f.Fuzz(rapid.MakeFuzz(coreProperty))
}

// sent is one line that a connection sends.
type sent struct {
	conn int
	line string
}

func drawLines(t *rapid.T, label string, names []string) []sent {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sent {
		command := wire.Command(rapid.IntRange(int(wire.Get), int(wire.InspectShared)).Draw(t, "command"))
		return sent{
			rapid.IntRange(0, connections-1).Draw(t, "connection"),
			command.String() + " " + rapid.SampledFrom(names).Draw(t, "name") + "\n",
		}
	}), 0, 30).Draw(t, label)
}

// newCore returns a Core with the given number of open connections, numbered from 1.
func newCore(config core.Config) *core.Core {
	c := core.New(config)
	for n := range connections {
		c.Open(0, core.Peer{Addr: judge.Addr(n)}, new(core.Effects))
	}
	return c
}

func ask(c *core.Core, s sent) string {
	var fx core.Effects
	id := core.ID(s.conn + 1)
	c.Receive(0, id, []byte(s.line), &fx)
	return string(fx.To(id))
}

// tables returns all that a client can see of the locks.
func tables(c *core.Core) string {
	var fx core.Effects
	id, _ := c.Open(0, core.Peer{Addr: "observer"}, &fx)
	defer c.Close(0, id, &fx)
	c.Receive(0, id, []byte("dump\ndump shared\nd\nsd\n"), &fx)
	return string(fx.To(id))
}

// TestNamesCommute checks that commands on different names do not affect each other: in
// any merge of two runs the replies and the tables are the same.
func TestNamesCommute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left := drawLines(t, "left", []string{"a", "b"})
		right := drawLines(t, "right", []string{"c", "", "a b"})
		config := core.Config{Dump: true}
		one, other := newCore(config), newCore(config)
		var oneLeft, oneRight, otherLeft, otherRight string
		for _, s := range left {
			oneLeft += ask(one, s)
		}
		for _, s := range right {
			oneRight += ask(one, s)
		}
		for l, r := left, right; len(l)+len(r) > 0; {
			if len(r) == 0 || len(l) > 0 && rapid.Bool().Draw(t, "left first") {
				otherLeft += ask(other, l[0])
				l = l[1:]
			} else {
				otherRight += ask(other, r[0])
				r = r[1:]
			}
		}
		if oneLeft != otherLeft || oneRight != otherRight {
			t.Fatalf("the replies depend on the order:\n%q\n%q\n%q\n%q", oneLeft, otherLeft, oneRight, otherRight)
		}
		if a, b := tables(one), tables(other); a != b {
			t.Fatalf("the tables depend on the order:\n%s\n%s", a, b)
		}
	})
}

// TestCloseIsReleasing checks that the end of a connection equals releasing all
// that it holds one by one (END-1, END-2), and is counted (STATS-6).
func TestCloseIsReleasing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := []string{"a", "b", "c", ""}
		lines := drawLines(t, "lines", all)
		closing := rapid.IntRange(0, connections-1).Draw(t, "closing")
		config := core.Config{Dump: true}
		closed, released := newCore(config), newCore(config)
		for _, s := range lines {
			ask(closed, s)
			ask(released, s)
		}
		orphans := closed.Close(0, core.ID(closing+1), new(core.Effects))
		var counted core.Orphans
		for _, name := range all {
			if ask(released, sent{closing, "r " + name + "\n"})[0] == '1' {
				counted.Exclusive++
			}
			if ask(released, sent{closing, "sr " + name + "\n"})[0] == '1' {
				counted.Shared++
			}
		}
		if orphans != counted {
			t.Fatalf("%+v were orphaned, %+v could be released", orphans, counted)
		}
		if a, b := tables(closed), tables(released); a != b {
			t.Fatalf("closing leaves\n%s\nreleasing leaves\n%s", a, b)
		}
	})
}

// TestTablesAgree checks that dumps and statistics agree with the replies of i and si for
// every name.
func TestTablesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCore(core.Config{Dump: true})
		for _, s := range drawLines(t, "lines", names) {
			ask(c, s)
		}
		locks, sharedLocks := 0, 0
		for _, name := range names {
			if lines := len(pairs(ask(c, sent{0, "d " + name + "\n"}))); name != "" && lines != int(ask(c, sent{1, "i " + name + "\n"})[0]-'0') {
				t.Fatalf("d %q has %d lines", name, lines)
			}
			holders := int(ask(c, sent{1, "si " + name + "\n"})[0] - '0')
			if lines := len(pairs(ask(c, sent{0, "sd " + name + "\n"}))); name != "" && lines != holders {
				t.Fatalf("sd %q has %d lines, si says %d", name, lines, holders)
			}
			if holders > 0 {
				sharedLocks++
			}
			locks += int(ask(c, sent{1, "i " + name + "\n"})[0] - '0')
		}
		stats := ask(c, sent{0, "q\n"})
		want := fmt.Sprintf("locks: %d\norphans: 0\nshared_locks: %d\n", locks, sharedLocks)
		if !contains(stats, "\n"+want) {
			t.Fatalf("statistics are\n%s\nwant\n%s", stats, want)
		}
		if lines := len(pairs(ask(c, sent{0, "d\n"}))); lines != locks {
			t.Fatalf("d has %d lines, %d names are locked", lines, locks)
		}
	})
}
