package property

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"lockd/server/core"
	"lockd/sim/judge"
	"lockd/wire"
)

// waitWorld is a small world with waits. Besides lines, a connection opens or closes
// ("open"), or ends its stream while it waits ("end"); "time" is a millisecond that passes.
type waitWorld struct {
	name   string
	config core.Config
	conns  int
	lines  []string // of each connection
	states int      // that are reachable
}

// forEver is a wait that does not time out here, tooShort one that does after a
// millisecond.
const (
	forEver  = "w 1000000 "
	tooShort = "w 1 "
)

var waitWorlds = []waitWorld{
	{
		name: "exclusive", states: 1077, conns: 3,
		lines: []string{"g a", "r a", forEver + "g a", tooShort + "g a", "g b", "r b", forEver + "g b"},
	},
	{
		name: "shared", states: 1509, conns: 3,
		lines: []string{"sg a", "sr a", "b 0 a", "b 1 a", forEver + "b 0 a", forEver + "b 1 a", tooShort + "b 0 a"},
	},
	{
		name: "limited", states: 303, conns: 3, config: core.Config{MaxLocks: 1},
		lines: []string{"g a", "r a", forEver + "g a", forEver + "b 1 a", "sr a", tooShort + "g a"},
	},
	{
		name: "all", states: 892, conns: 2, config: core.Config{Kill: true},
		lines: []string{"g a", "r a", forEver + "g a", "sg a", "sr a", "b 1 a", forEver + "b 1 a", tooShort + "g a", forEver + "g b", "r b",
			"k 1", "k 2", "t a", "st a", "l", "lw", "v", "k", "w 0 g a", "w x"},
	},
}

// longWaitWorlds are tried with -long.
var longWaitWorlds = []waitWorld{
	{
		name: "pieces", states: 3771, conns: 3, config: core.Config{ServePiece: 1},
		lines: []string{"sr a", "b 2 a", forEver + "b 0 a", forEver + "b 1 a", tooShort + "b 2 a"},
	},
	{
		name: "three", states: 20389, conns: 3, config: core.Config{Kill: true},
		lines: []string{"g a", "r a", forEver + "g a", tooShort + "g a", "b 1 a", "sr a", forEver + "b 0 a", forEver + "g b", "r b", "k 2", "l", "t a"},
	},
}

// TestExhaustWaits visits every reachable state of small worlds with waits, as
// TestExhaustion does. A state is what each connection holds, in which order and with
// which bound, who waits, in which order and for how long yet, and whose stream has ended.
func TestExhaustWaits(t *testing.T) {
	worlds := waitWorlds
	if *long {
		worlds = append(worlds, longWaitWorlds...)
	}
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			w.config.Dump, w.config.Registry = true, true
			if states := exhaust(t, w.moves(), w.play); states != w.states {
				t.Errorf("%d states are reachable, want %d", states, w.states)
			}
		})
	}
}

func (w *waitWorld) moves() []move {
	all := []move{{-1, "time"}}
	for c := range w.conns {
		all = append(all, move{c, "open"}, move{c, "end"})
		for _, line := range w.lines {
			all = append(all, move{c, line})
		}
	}
	return all
}

// play plays moves on a new Core and a new model, which must agree, and returns the state
// that is reached.
func (w *waitWorld) play(path []move) (string, error) {
	j := judge.New(w.config)
	finished := make([]bool, w.conns)
	deadlines := make([]core.Time, w.conns)
	for _, m := range path {
		switch m.line {
		case "time":
			j.Now += core.Millisecond
			j.Tick()
		case "open":
			if finished[m.conn] = false; j.IsOpen(m.conn) {
				j.Close(m.conn)
			} else {
				j.Open(m.conn, judge.Addr(m.conn))
			}
		case "end":
			if j.Queued(m.conn) {
				finished[m.conn] = true
				j.EndOfStream(m.conn)
			}
		default:
			if j.Queued(m.conn) || !j.IsOpen(m.conn) {
				break // it would be kept, or lost
			}
			_, _, state := j.Receive(m.conn, []byte(m.line+"\n"))
			if state.Ends { // it has killed itself
				j.Close(m.conn)
			}
			if ms, isWait := strings.CutPrefix(m.line, "w "); isWait && j.Queued(m.conn) {
				n, _ := strconv.Atoi(ms[:strings.IndexByte(ms, ' ')])
				deadlines[m.conn] = j.Now + core.Time(n)*core.Millisecond
			}
		}
		for _, id := range j.Dropped() {
			n := j.Label(id)
			finished[n] = false
			j.Close(n)
		}
		if j.Err() != nil {
			return "", j.Err()
		}
	}
	j.Valid()
	observer := w.conns
	j.Open(observer, judge.Addr(observer))
	_, replies, _ := j.Receive(observer, []byte("l\n"))
	key := listed(wire.List, replies)
	_, replies, _ = j.Receive(observer, []byte("lw\n"))
	key += listed(wire.ListWaiters, replies)
	for n := range w.conns {
		left := "-"
		if j.Queued(n) {
			left = fmt.Sprint(min(deadlines[n]-j.Now, 2*core.Millisecond))
		}
		key += fmt.Sprint(j.IsOpen(n), finished[n], left, " ")
	}
	return key + fmt.Sprint(j.Next() == 0), j.Err()
}

// listed returns what is in a list, without ages, tokens and the numbers of connections.
func listed(list wire.Command, reply []byte) (key string) {
	_, lines, err := wire.NewReplyReader(bytes.NewReader(reply), 0).List(list)
	if err != nil {
		return err.Error()
	}
	for _, l := range lines {
		key += fmt.Sprint(l.Shared, l.Waiters, l.Place, l.Bound, l.Addr, l.Name, "\n")
	}
	return key
}
