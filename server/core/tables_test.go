package core

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lockd/wire"
)

// tableCommands are the commands that show tables.
var tableCommands = []string{
	"d", "sd", "sd n1", "sd nobody", "dump", "dump shared", "dump x", "who", "who same", "who nobody", "q full",
}

func parse(line string) wire.Request {
	var p wire.Parser
	return p.Parse([]byte(line))
}

// crowd returns a Core with some connections that hold random locks.
func crowd(config Config, random *rand.Rand, steps int) (*Core, []ID) {
	config.Registry, config.Dump = true, true
	c := New(config)
	var ids []ID
	for i := range 6 {
		ids = append(ids, open(c, strings.Repeat("a", i)+":"+strconv.Itoa(i)))
	}
	lines := []string{"g N", "r N", "sg N", "sr N", "iam", "iam same", "iam " + strings.Repeat("n", 90)}
	for range steps {
		line := lines[random.IntN(len(lines))]
		name := "n" + strings.Repeat("x", random.IntN(30)) + strconv.Itoa(random.IntN(30))
		ask(c, ids[random.IntN(len(ids))], strings.Replace(line, "N", name, 1)+"\n")
		ask(c, ids[random.IntN(len(ids))], "sg n1\n")
	}
	return c, ids
}

// TestSize checks that the computed size of a reply is never less than its actual size,
// and exceeds it by no more than its frame.
func TestSize(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, dialect := range []wire.Dialect{wire.Glockd, wire.Classic} {
		for steps := range 100 {
			c, ids := crowd(Config{Dialect: dialect}, random, steps)
			for _, line := range tableCommands {
				r := parse(line)
				if !dialect.Has(r.Command) {
					continue
				}
				var v view
				c.look(&v, r)
				reply := v.appendTo(nil)
				lines, bytes := c.size(r)
				spare := 20 // of the frame of a line
				if r.Command == wire.Stats {
					spare = 2<<10 + 20*lines
				}
				if len(reply) > bytes || bytes > len(reply)+spare {
					t.Fatalf("%v: %q takes %d bytes, computed %d: %q", dialect, line, len(reply), bytes, reply)
				}
			}
			c.Close(0, ids[0], new(Effects))
			if err := c.Valid(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestMaxReply checks DUMP-10: a dump of exactly the limit is shown in full, a larger
// one is refused at once.
func TestMaxReply(t *testing.T) {
	for _, small := range []int{0, -1} {
		c, ids := crowd(Config{SmallDump: small}, rand.New(rand.NewPCG(1, 2)), 40)
		for _, line := range []string{"d", "sd", "sd n1", "who", "who same"} {
			c.maxReply = 1 << 20
			whole, _ := ask(c, ids[0], line+"\n")
			c.maxReply = len(whole)
			if got, _ := ask(c, ids[0], line+"\n"); got != whole || whole == "" {
				t.Errorf("%q at the limit is answered %q, want %q", line, got, whole)
			}
			c.maxReply--
			if got, _ := ask(c, ids[0], line+"\nme\n"); got != "0 Reply Too Large\n1 :0 "+c.conns[ids[0]].holder()+"\n" {
				t.Errorf("%q over the limit is answered %q", line, got)
			}
		}
	}
}

// TestLongListOfOneLock checks that a list of holders of one lock, too long to be
// measured when it is requested, is refused when its turn comes.
func TestLongListOfOneLock(t *testing.T) {
	c, ids := crowd(Config{SmallDump: 2}, rand.New(rand.NewPCG(1, 2)), 40)
	whole, _ := ask(c, ids[0], "sd n1\n")
	if lines := strings.Count(whole, "\n"); lines < 5 {
		t.Fatalf("%d holders", lines)
	}
	c.maxReply = len(whole) - 1
	if got, _ := ask(c, ids[0], "sd n1\n"); got != "0 Reply Too Large\n" || c.dumps.next != 0 {
		t.Errorf("got %q", got)
	}
}

// TestDumpsWait checks that a large dump is made when its turn comes, shows the state at
// that moment (DUMP-8), is shared by all connections that requested it, and that their
// later commands wait (REPLY-1).
func TestDumpsWait(t *testing.T) {
	c := New(Config{Dump: true, SmallDump: -1})
	one, two, three := open(c, "1"), open(c, "2"), open(c, "3")
	var replies string
	receive(c, one, []byte("g x\n"), &replies)
	rest, state := receive(c, one, []byte("i x\ndump\nr x\n"), &replies)
	if string(rest) != "r x\n" || !state.Waits {
		t.Fatalf("%q is left, waits: %v", rest, state.Waits)
	}
	receive(c, two, []byte("g y\ndump shared\n"), &replies)
	receive(c, three, []byte("g z\ndump again\n"), &replies)
	if rest, state := receive(c, one, rest, &replies); string(rest) != "r x\n" || !state.Waits {
		t.Fatalf("the waiting connection has %q left, waits: %v", rest, state.Waits)
	}
	if replies != "1 Lock Get Success: x\n1 Lock Is Locked: x\n1 Lock Get Success: y\n1 Lock Get Success: z\n" {
		t.Fatalf("got %q", replies)
	}
	if err := c.Valid(); err != nil {
		t.Fatal(err)
	}

	var fx Effects
	c.Tick(0, &fx)
	first := fx.Dump()
	var late string
	receive(c, two, nil, &late)
	if c.Next() != Never {
		t.Error("another dump is due while one is made")
	}
	first.Make()
	c.Finish(5, first, &fx)
	want := []Resumed{{one, []byte("map[x:1 y:2 z:3]\n")}, {three, []byte("map[x:1 y:2 z:3]\n")}}
	if got := fx.Resumed(); !slices.EqualFunc(got, want, func(a, b Resumed) bool { return a.To == b.To && string(a.Reply) == string(b.Reply) }) {
		t.Errorf("resumed: %v", got)
	}
	if next := c.Next(); next != 5+9*5 {
		t.Errorf("after a dump that took 5 the next is begun at %d", next)
	}
	fx.Reset()
	c.Tick(49, &fx)
	if fx.Dump() != nil {
		t.Error("a dump is begun too early")
	}
	c.Finish(49, first, &fx) // a second time
	c.Close(49, two, &fx)
	c.Tick(50, &fx)
	if fx.Dump() != nil || len(fx.Resumed()) > 0 || c.Next() != Never {
		t.Error("a dump is begun for a connection that has ended")
	}
	if err := c.Valid(); err != nil {
		t.Fatal(err)
	}
}

// TestDumpsInTurn checks that many dumps of single names do not delay dumps of whole
// tables.
func TestDumpsInTurn(t *testing.T) {
	c := New(Config{Dump: true, Registry: true, SmallDump: -1})
	for _, command := range []string{"sd a", "who b", "sd c", "sd d", "d", "dump x", "q full"} {
		var replies string
		who := open(c, command)
		receive(c, who, []byte("sg a\nsg c\nsg d\niam b\n"+command+"\n"), &replies)
	}
	var got []string
	for c.Next() != Never {
		if err := c.Valid(); err != nil {
			t.Fatal(err)
		}
		var fx Effects
		now := c.Next()
		c.Tick(now, &fx)
		d := fx.Dump()
		got = append(got, d.key)
		c.Finish(now, d, &fx)
	}
	want := []string{"d ", "sd a", "dump ", "who b", "q full", "sd c", "sd d"}
	if !slices.Equal(got, want) {
		t.Errorf("begun: %q, want %q", got, want)
	}
}

// TestRefusedDump checks that a dump that was not made is answered.
func TestRefusedDump(t *testing.T) {
	c := New(Config{Dump: true, SmallDump: -1})
	id := open(c, "1")
	receive(c, id, []byte("d\n"), new(string))
	var fx Effects
	c.Tick(0, &fx)
	c.Finish(0, fx.Dump(), &fx)
	if r := fx.Resumed(); len(r) != 1 || string(r[0].Reply) != "0 Reply Too Large\n" {
		t.Errorf("resumed: %v", r)
	}
}

// TestDumpBesideALargeEnd checks that holdings of a connection that has just ended do
// not make a dump too large (DUMP-10).
func TestDumpBesideALargeEnd(t *testing.T) {
	c := New(Config{Dump: true, EndPiece: 10})
	c.maxReply = 500
	large, small := open(c, "large"), open(c, "small")
	for i := range 100 {
		ask(c, large, "g many-"+strconv.Itoa(i)+"\n")
	}
	ask(c, small, "g one\n")
	if got, _ := ask(c, small, "d\n"); got != "0 Reply Too Large\n" {
		t.Fatalf("before the end: %q", got)
	}
	c.Close(0, large, new(Effects))
	if !c.machine.Uncleared() {
		t.Fatal("the end was cleared at once")
	}
	if got, _ := ask(c, small, "d\nq full\n"); !strings.HasPrefix(got, "one: small\n") {
		t.Errorf("after the end: %q", got)
	}
}

// TestDumpBesideManyHolders checks that a small dump is not made at once if it has to
// look at very many connections.
func TestDumpBesideManyHolders(t *testing.T) {
	c := New(Config{Dump: true})
	var fx Effects
	var id ID
	for range smallHolders + 1 {
		id, _ = c.Open(0, Peer{Transport: Unix}, &fx)
		c.Receive(0, id, []byte("sg one\n"), &fx)
	}
	fx.Reset()
	if _, state := c.Receive(0, id, []byte("dump\n"), &fx); state.Waits || string(fx.To(id)) != "map[]\n" {
		t.Errorf("an empty dump waits: %v, %q", state.Waits, fx.To(id))
	}
	fx.Reset()
	if _, state := c.Receive(0, id, []byte("g a\ndump\n"), &fx); !state.Waits {
		t.Errorf("a dump of one lock is made at once: %q", fx.To(id))
	}
}
