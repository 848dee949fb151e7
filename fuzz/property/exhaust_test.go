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

// move is one transition: a line of a connection, or with an empty line its
// opening or closing.
type move struct {
	conn int
	line string
}

// TestExhaustion visits every reachable state of a small world, which connections
// are open, who holds each name, and in which order shared holders got it, and
// tries every command of every connection from it, against the model. It finds
// the states breadth first, so that the path it prints is a shortest one. A
// longer run: go test ./fuzz/property -run TestExhaustion -connections 4 -names 3
// -timeout 2h.
func TestExhaustion(t *testing.T) {
	for _, dialect := range []wire.Dialect{wire.Glockd, wire.Classic} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			w := &smallWorld{config: core.Config{Dialect: dialect, Dump: true}, moves: allMoves()}
			states, transitions, err := w.exhaust()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d states, %d transitions", states, transitions)
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
			for op := wire.Get; op <= wire.InspectShared; op++ {
				all = append(all, move{c, fmt.Sprintf("%v %c\n", op, 'a'+n)})
			}
		}
	}
	return all
}

type smallWorld struct {
	config core.Config
	moves  []move
}

// found is a state: how it was reached first.
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

func (w *smallWorld) exhaust() (states, transitions int, err error) {
	start := new(found)
	key, err := w.play(nil)
	if err != nil {
		return 0, 0, err
	}
	seen := map[string]bool{key: true}
	for queue := []*found{start}; len(queue) > 0; queue = queue[1:] {
		state := queue[0]
		path := state.path()
		states++
		for _, m := range w.moves {
			key, err := w.play(append(path, m))
			if err != nil {
				return states, transitions, fmt.Errorf("after %+v: %w", append(path, m), err)
			}
			transitions++
			if !seen[key] {
				seen[key] = true
				queue = append(queue, &found{state, m})
			}
		}
	}
	return states, transitions, nil
}

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
	// What is counted is no part of the state; the tables follow it.
	_, tables, found := strings.Cut(string(reply), endOfFigures[w.config.Dialect])
	if !found {
		return "", fmt.Errorf("q full answers %q", reply)
	}
	for c := range *exhaustConnections {
		tables += fmt.Sprint(j.IsOpen(c))
	}
	return tables, nil
}

// endOfFigures stands between the figures and the tables in the reply to q full.
var endOfFigures = map[wire.Dialect]string{wire.Glockd: "\nmap[", wire.Classic: "\r\n)\r\n"}
