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
