package property

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"lockd/server/core"
	"lockd/sim/judge"
	"lockd/wire"
)

var (
	long               = flag.Bool("long", false, "also exhaust larger worlds, which takes two minutes")
	exhaustConnections = flag.Int("connections", 0, "connections of a world that TestExhaustion goes through instead")
	exhaustNames       = flag.Int("names", 2, "names of that world")
)

// move is one transition: a connection sends a line, or, if the line is empty, is opened
// or closed.
type move struct {
	conn int
	line string
}

// TestExhaustion visits every reachable state of a small world. A state is which
// connections are open, which of them hold each name, and in which order shared holders
// got it. From every state the test tries every command of every connection, and compares
// Core with the model. The search is breadth first, so that the path that it prints is a
// shortest one. A longer run: go test ./fuzz/property -run TestExhaustion -connections 4
// -names 3 -timeout 2h.
func TestExhaustion(t *testing.T) {
	sizes := []smallWorld{{conns: 3, names: 1}, {conns: 2, names: 2}}
	if *long {
		sizes = append(sizes, smallWorld{conns: 3, names: 2})
	}
	if *exhaustConnections > 0 {
		sizes = []smallWorld{{conns: *exhaustConnections, names: *exhaustNames}}
	}
	for _, w := range sizes {
		for _, dialect := range []wire.Dialect{wire.Glockd, wire.Classic} {
			w := w // of its own: the subtests are parallel
			w.config.Dialect = dialect
			t.Run(fmt.Sprintf("%v-%d-%d", w.config.Dialect, w.conns, w.names), func(t *testing.T) {
				t.Parallel()
				w.config.Dump = true
				if states := exhaust(t, w.moves(), w.play); states != w.states() {
					t.Errorf("%d states are reachable, want %d", states, w.states())
				}
			})
		}
	}
}

// smallWorld is a world of a few connections and names.
type smallWorld struct {
	config       core.Config
	conns, names int
}

// states returns how many states are reachable: with k connections open, a name has k+1
// ways to be held exclusively, and as many ways to be shared as there are ordered
// selections of the k: 1, 2, 5, 16 for 0 to 3.
func (w *smallWorld) states() (total int) {
	choices, selections := 1, 1 // of k connections among all, and ordered ones of the k
	for k := 0; k <= w.conns; k++ {
		states := choices
		for range w.names {
			states *= (k + 1) * selections
		}
		total += states
		choices = choices * (w.conns - k) / (k + 1)
		selections = selections*(k+1) + 1
	}
	return total
}

func (w *smallWorld) moves() []move {
	var all []move
	for c := range w.conns {
		all = append(all, move{c, ""})
		for n := range w.names {
			for command := wire.Get; command <= wire.InspectShared; command++ {
				all = append(all, move{c, fmt.Sprintf("%v %c\n", command, 'a'+n)})
			}
		}
	}
	return all
}

// found is a state, as the first path that reached it.
type found struct {
	from *found
	by   move
}

func (f *found) path() []move {
	if f.from == nil {
		return nil
	}
	return append(f.from.path(), f.by)
}

// exhaust makes every move from every state that is reachable by moves, and returns how
// many states those are. play makes the moves of a path, and returns the state behind it.
func exhaust(t *testing.T, moves []move, play func(path []move) (state string, err error)) (states int) {
	t.Helper()
	key, err := play(nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{key: true}
	for queue := []*found{new(found)}; len(queue) > 0; queue = queue[1:] {
		state := queue[0]
		path := state.path()
		for _, m := range moves {
			key, err := play(append(path, m))
			if err != nil {
				t.Fatalf("after %+v: %v", append(path, m), err)
			}
			if !seen[key] {
				seen[key] = true
				queue = append(queue, &found{state, m})
			}
		}
	}
	t.Logf("%d states, %d transitions", len(seen), len(seen)*len(moves))
	return len(seen)
}

// play plays moves on a new Core and a new model, compares all replies and both
// tables, and returns the state that is reached. Only that can be an invalid one: the path
// to it was played before.
func (w *smallWorld) play(path []move) (string, error) {
	j := judge.New(w.config)
	for _, m := range path {
		switch {
		case m.line != "":
			j.Send(m.conn, []byte(m.line))
		case j.IsOpen(m.conn):
			j.Close(m.conn)
		default:
			j.Open(m.conn, judge.Addr(m.conn))
		}
	}
	j.Valid()
	observer := w.conns
	j.Open(observer, judge.Addr(observer))
	reply := j.Send(observer, []byte("q full\n"))
	if err := j.Err(); err != nil {
		return "", err
	}
	// The counters are not part of the state; the tables follow them.
	_, tables, found := strings.Cut(string(reply), endOfFigures[w.config.Dialect])
	if !found {
		return "", fmt.Errorf("q full answers %q", reply)
	}
	for c := range w.conns {
		tables += fmt.Sprint(j.IsOpen(c))
	}
	return tables, nil
}

// endOfFigures is between the figures and the tables in the reply to q full.
var endOfFigures = map[wire.Dialect]string{wire.Glockd: "\nmap[", wire.Classic: "\r\n)\r\n"}
