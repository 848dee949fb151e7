package core

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lockd/lock"
	"lockd/wire"
)

// TestEvents plays random commands and compares the events with the replies and tables.
func TestEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(Config{Events: true, Dump: true, MaxLocks: 4, Dialect: rapid.SampledFrom([]wire.Dialect{wire.Glockd, wire.Classic}).Draw(t, "dialect")})
		var fx Effects
		held := map[string]bool{} // "g name conn", "sg name conn"
		var open []ID
		var answers, told []string
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			fx.Reset()
			switch do := rapid.IntRange(0, 9).Draw(t, "do"); {
			case do == 0 || len(open) == 0:
				id, _ := c.Open(0, Peer{Transport: Unix}, &fx)
				open = append(open, id)
			case do == 1:
				at := rapid.IntRange(0, len(open)-1).Draw(t, "ending connection")
				c.Close(0, open[at], &fx)
				open = slices.Delete(open, at, at+1)
			default:
				id := open[rapid.IntRange(0, len(open)-1).Draw(t, "who")]
				line := rapid.SampledFrom([]string{"g", "r", "i", "sg", "sr", "si"}).Draw(t, "verb") + " " + rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name")
				c.Receive(0, id, []byte(line+"\n"), &fx)
				answer := string(fx.To(id))
				switch line[:strings.IndexByte(line, ' ')] {
				case "g", "sg":
					answers = append(answers, fmt.Sprint(line, " ", answer[0] != '0'))
				case "r", "sr":
					if answer[0] != '0' {
						answers = append(answers, fmt.Sprint(line, " true"))
					}
				}
			}
			for _, e := range fx.Events() {
				s := ""
				if e.Shared {
					s = "s"
				}
				key := fmt.Sprintf("%sg %s %d", s, e.Name, e.Conn)
				switch e.Kind {
				case Got:
					held[key] = true
					told = append(told, fmt.Sprintf("%sg %s true", s, e.Name))
				case Refused, Limited:
					told = append(told, fmt.Sprintf("%sg %s false", s, e.Name))
					if e.Kind == Refused && !held[fmt.Sprintf("g %s %d", e.Name, e.Holder)] {
						t.Fatalf("%+v: that is not the holder", e)
					}
				case Released, Orphaned:
					if !held[key] {
						t.Fatalf("%+v: it was not held", e)
					}
					delete(held, key)
					if e.Kind == Released {
						told = append(told, fmt.Sprintf("%sr %s true", s, e.Name))
					}
				}
			}
		}
		if diff := cmp.Diff(answers, told); diff != "" {
			t.Fatal(diff)
		}
		var shown []string
		for _, id := range open {
			exclusive, shared := c.machine.Held(lock.Conn(id), 100)
			for _, name := range exclusive {
				shown = append(shown, fmt.Sprintf("g %s %d", name, id))
			}
			for _, name := range shared {
				shown = append(shown, fmt.Sprintf("sg %s %d", name, id))
			}
		}
		slices.Sort(shown)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(held)), shown); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestManyOrphans checks that the number of events is bounded for the end of a
// connection with very many locks.
func TestManyOrphans(t *testing.T) {
	c := New(Config{Events: true})
	var fx Effects
	id, _ := c.Open(0, Peer{Transport: Unix}, &fx)
	for i := range 1000 {
		c.Receive(0, id, fmt.Appendf(nil, "g n%d\nsg n%d\n", i, i), &fx)
	}
	fx.Reset()
	c.Close(0, id, &fx)
	if n := len(fx.Events()); n != 2*mostOrphanEvents {
		t.Errorf("%d events", n)
	}
	quiet := New(Config{})
	id, _ = quiet.Open(0, Peer{Transport: Unix}, &fx)
	fx.Reset()
	quiet.Receive(0, id, []byte("g a\n"), &fx)
	quiet.Close(0, id, &fx)
	if len(fx.Events()) > 0 {
		t.Error("there are events although Config.Events is not set")
	}
}
