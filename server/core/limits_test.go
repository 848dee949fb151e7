package core

import (
	"strings"
	"testing"
)

// TestOutputBatch checks that Core stops when it has made enough replies, and
// loses nothing (REPLY-1): many short commands on a name of 60 KB must not take
// unbounded memory.
func TestOutputBatch(t *testing.T) {
	core := New(Config{Registry: true})
	id := open(core, "a")
	ask(core, id, "iam "+strings.Repeat("n", 60_000)+"\n")
	data := strings.Repeat("me\n", 100)
	replies := 0
	for len(data) > 0 {
		out, rest := ask(core, id, data)
		if len(out) > 2*outputBatch {
			t.Fatalf("%d bytes of replies at once", len(out))
		}
		replies += strings.Count(out, "\n")
		data = string(rest)
	}
	if replies != 100 {
		t.Errorf("%d replies, not 100", replies)
	}
}

// TestEndlessLine checks that a line that never ends takes no more memory than the
// limit.
func TestEndlessLine(t *testing.T) {
	core := New(Config{MaxLine: 1000})
	id := open(core, "a")
	replies := 0
	for range 1000 {
		out, _ := ask(core, id, strings.Repeat("x", 700))
		replies += strings.Count(out, "\n")
	}
	if replies != 1 {
		t.Errorf("%d replies to one line", replies)
	}
	if out, _ := ask(core, id, "\ng x\n"); out != "1 Lock Get Success: x\n" {
		t.Errorf("got %q after the line", out)
	}
}

// TestEffects checks that outputs keep their order, are never empty, and that
// large ones are not kept.
func TestEffects(t *testing.T) {
	var fx Effects
	for range 3 {
		fx.Append(1, []byte("a"))
		fx.Append(1, []byte("b"))
		fx.Append(2, nil)
		fx.Append(2, []byte("c"))
		fx.Append(1, []byte("d"))
		if got := string(fx.To(1)) + "," + string(fx.To(2)) + "," + string(fx.To(3)); got != "abd,c," {
			t.Errorf("got %q", got)
		}
		if n := len(fx.Outputs()); n != 3 {
			t.Errorf("%d outputs: %v", n, fx.Outputs())
		}
		if got := string(fx.Outputs()[0].Data); got != "ab" {
			t.Errorf("To has changed the first output to %q", got)
		}
		fx.Reset()
	}
	fx.Append(1, make([]byte, keptOutput+1))
	fx.Reset()
	if n := cap(fx.begin(1)); n > 0 {
		t.Errorf("%d bytes are kept", n)
	}
}

// TestLargeEndsAreCleared checks that Core asks for Tick as long as holdings of a large
// end are not cleared.
func TestLargeEndsAreCleared(t *testing.T) {
	c := New(Config{EndPiece: 10})
	id := open(c, "a")
	ask(c, id, strings.Repeat("sg y\n", 3))
	for i := range 100 {
		ask(c, id, "g "+strings.Repeat("x", i)+"\n")
	}
	var fx Effects
	if orphans := c.Close(7, id, &fx); orphans != (Orphans{Exclusive: 100, Shared: 1}) {
		t.Errorf("%+v", orphans)
	}
	ticks := 0
	for ; c.Next() == 0 && ticks < 100; ticks++ {
		c.Tick(7, &fx)
	}
	if ticks < 10 || c.Next() != Never || c.machine.Uncleared() {
		t.Errorf("after %d ticks Core asks for Tick at %d", ticks, c.Next())
	}
}

// TestSmallDumpsCost checks that a batch has fewer small dumps the more connections each
// has to look at, and that a dump that looks at none costs nothing extra.
func TestSmallDumpsCost(t *testing.T) {
	const dumps = 200
	done := func(holders int, line string) int {
		c := New(Config{Dump: true})
		var replies string
		for range holders {
			receive(c, open(c, "h"), []byte("sg pool\n"), &replies)
		}
		id := open(c, "asker")
		receive(c, id, []byte("g x\n"), &replies)
		rest, _ := receive(c, id, []byte(strings.Repeat(line, dumps)), &replies)
		return dumps - len(rest)/len(line)
	}
	few, many, named := done(1, "d\n"), done(1000, "d\n"), done(1000, "d x\n")
	if few < 50 || few == dumps || many > 10 || many < 1 || named != dumps {
		t.Errorf("in a batch: %d beside one holder, %d beside many, %d of one name", few, many, named)
	}
}

func TestPerAddress(t *testing.T) {
	c := New(Config{MaxPerAddress: 2})
	open := func(addr string, transport Transport) (ID, bool) {
		return c.Open(0, Peer{Addr: addr, Transport: transport}, new(Effects))
	}
	one, _ := open("10.0.0.1:1", TCP)
	open("10.0.0.1:2", TLS)
	if _, ok := open("10.0.0.1:3", WS); ok {
		t.Error("a third connection of an address was admitted")
	}
	for i := range 5 {
		for _, peer := range []Peer{{Transport: Unix}, {Transport: WS}} { // which have no address
			if id, ok := c.Open(0, peer, new(Effects)); !ok {
				t.Error("a connection of a unix socket was refused")
			} else if i%2 == 0 {
				c.Close(0, id, new(Effects))
			}
		}
	}
	if _, ok := open("[::1]:1", TCP); !ok {
		t.Error("another address was refused")
	}
	c.Close(0, one, new(Effects))
	if _, ok := open("10.0.0.1:4", TCP); !ok {
		t.Error("an address was refused after the end of one of its connections")
	}
	if m := c.Measures(); m.Refused[WS] != 1 {
		t.Errorf("refused: %v", m.Refused)
	}
	for id := range c.conns {
		c.Close(0, id, new(Effects))
	}
	if len(c.addresses) > 0 {
		t.Errorf("left behind: %v", c.addresses)
	}
}

// TestLimitsOfHoldings checks what the limits of a connection and of names answer.
func TestLimitsOfHoldings(t *testing.T) {
	c := New(Config{MaxPerConn: 2, MaxNameBytes: 10})
	a, b := open(c, "a:1"), open(c, "b:1")
	for _, x := range []struct {
		from       ID
		line, want string
	}{
		{a, "g one", "1 Lock Get Success: one\n"},
		{a, "sg two", "1 Shared Lock Get Success: two\n"},
		{a, "g 3", "0 Lock Limit Reached: 3\n"},
		{a, "g one", "1 Lock Get Success: one\n"},
		{a, "b 5 3", "0 Lock Limit Reached: 3\n"},
		{b, "g three", "0 Lock Limit Reached: three\n"}, // 11 bytes
		{b, "sg two", "2 Shared Lock Get Success: two\n"},
		{b, "g four", "1 Lock Get Success: four\n"}, // 10 bytes
	} {
		if got, _ := ask(c, x.from, x.line+"\n"); got != x.want {
			t.Errorf("%s: got %q, want %q", x.line, got, x.want)
		}
	}
	var fx Effects
	c.Receive(0, a, []byte("w 100 g four\n"), &fx) // only its grant would be over the limit
	c.Receive(0, b, []byte("r four\n"), &fx)
	if r := fx.Resumed(); len(r) != 1 || string(r[0].Reply) != "0 Lock Limit Reached: four\n" {
		t.Errorf("a wait that would be over the limit: %+v", r)
	}
}
