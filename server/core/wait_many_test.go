package core

import (
	"fmt"
	"strings"
	"testing"
)

const many = 100_000

// TestManyTimeouts lets very many waits for as many names time out in one moment: they are
// answered in order, and none of the steps is long.
func TestManyTimeouts(t *testing.T) {
	c := newCast(t, Config{}, 1+many)
	for i := range many {
		c.Receive(0, 1, fmt.Appendf(nil, "g n%d\n", i), &c.fx)
		c.Receive(0, ID(2+i), fmt.Appendf(nil, "w 1000 g n%d\n", i), &c.fx)
	}
	c.now = 1000*Millisecond - 1
	c.fx.Reset()
	if c.Tick(c.now, &c.fx); len(c.fx.Resumed()) > 0 {
		t.Fatalf("%d are answered before their time", len(c.fx.Resumed()))
	}
	c.now++
	next := ID(2)
	for c.Next() <= c.now {
		c.fx.Reset()
		c.Tick(c.now, &c.fx)
		if n := len(c.fx.Resumed()); n == 0 || n > 512 {
			t.Fatalf("a step answers %d, want 1 to 512", n)
		}
		for _, r := range c.fx.Resumed() {
			if want := fmt.Sprintf("0 Wait Timeout: n%d\n", next-2); r.To != next || string(r.Reply) != want {
				t.Fatalf("connection %d is answered %q, want connection %d to be answered %q", r.To, r.Reply, next, want)
			}
			next++
		}
	}
	if next != 2+many {
		t.Errorf("%d of %d are answered", next-2, many)
	}
	c.valid()
}

// TestManyWaiters ends the holder of a name for which very many connections wait, then
// each that is granted it: they get it in order, and those that have left in between do
// not.
func TestManyWaiters(t *testing.T) {
	c := newCast(t, Config{}, 1+many)
	c.Receive(0, 1, []byte("g job\n"), &c.fx)
	for i := range many {
		c.Receive(0, ID(2+i), []byte("w 60000 g job\n"), &c.fx)
	}
	for id := ID(3); id < 2+many; id += 3 {
		c.Close(0, id, &c.fx)
	}
	c.fx.Reset()
	c.Close(0, 1, &c.fx)
	granted := 0
	for id := ID(2); id < 2+many; id++ {
		if id%3 == 0 {
			continue
		}
		if r := c.fx.Resumed(); len(r) != 1 || r[0].To != id || !strings.HasPrefix(string(r[0].Reply), "1 Lock Get Success") {
			t.Fatalf("answers %v, want connection %d to be granted the name", c.answers(), id)
		}
		granted++
		c.fx.Reset()
		c.Close(0, id, &c.fx)
	}
	if state := c.answers(); len(state) > 0 {
		t.Errorf("somebody is answered after the last one: %v", state)
	}
	c.valid()
}
