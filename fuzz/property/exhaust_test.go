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
	exhaustConnections = flag.Int("connections", 3, "connections of the small world that TestExhaustion goes through")
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
	for _, dialect := range []wire.Dialect{wire.Glockd, wire.Classic} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			w := &smallWorld{core.Config{Dialect: dialect, Dump: true}}
			states := exhaust(t, allMoves(), w.play)
			if *exhaustConnections == 3 && *exhaustNames == 2 && states != threeByTwo {
				t.Errorf("%d states are reachable, want %d", states, threeByTwo)
			}
		})
	}
}

// threeByTwo is the number of states of three connections and two names: with k
// connections open, a name has k+1 ways to be held exclusively, and as many ways
// to be shared as there are ordered selections of the k: 1, 2, 5, 16 for 0 to 3.
const threeByTwo = 1*(1*1)*(1*1) + 3*(2*2)*(2*2) + 3*(3*5)*(3*5) + 1*(4*16)*(4*16)

func allMoves() []move {
	var all []move
	for c := range *exhaustConnections {
		all = append(all, move{c, ""})
		for n := range *exhaustNames {
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

type smallWorld struct{ config core.Config }

// play plays moves on a new Core and a new model, compares all replies and both
// tables, and returns the state that is reached.
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
		j.Valid()
	}
	observer := *exhaustConnections
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
	for c := range *exhaustConnections {
		tables += fmt.Sprint(j.IsOpen(c))
	}
	return tables, nil
}

// endOfFigures is between the figures and the tables in the reply to q full.
var endOfFigures = map[wire.Dialect]string{wire.Glockd: "\nmap[", wire.Classic: "\r\n)\r\n"}
