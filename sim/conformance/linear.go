package conformance

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// What the scenarios of linearizability do. At most linearClients commands
// overlap on a name, which keeps the check fast.
const (
	linearClients  = 6
	linearCommands = 60 // for each client
	linearNames    = 2
	checkTimeout   = 10 * time.Second
)

// call is one command, or the end of a connection, as porcupine sees it.
type call struct {
	client  int // a connection, never used again
	command string
	name    string
}

// unanswered is the output of a command whose reply is not looked at.
const unanswered = -1

// holders are the clients that hold one name in one table. An exclusive lock
// has at most one. It is a set of bits, as clients are few.
type holders uint64

// lockModel says what one name in one table may answer.
func lockModel(reentrant bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return holders(0) },
		Step: func(state, input, output any) (bool, any) {
			h, in, out := state.(holders), input.(call), output.(int)
			answer, next := apply(h, in, reentrant)
			return out == unanswered || out == answer, next
		},
		Hash: func(state any) uint64 {
			hash := fnv.New64a()
			fmt.Fprint(hash, state)
			return hash.Sum64()
		},
	}
}

func apply(h holders, in call, reentrant bool) (answer int, next holders) {
	me := holders(1) << in.client
	switch in.command {
	case "g":
		switch {
		case h == 0:
			return 1, me
		case h == me && reentrant:
			return 1, h
		}
		return 0, h
	case "sg":
		h |= me
		return h.count(), h
	case "i":
		return min(h.count(), 1), h
	case "si":
		return h.count(), h
	case "r", "sr":
		if h&me != 0 {
			return 1, h &^ me
		}
		return 0, h
	}
	return unanswered, h &^ me // the end of a connection
}

func (h holders) count() int {
	n := 0
	for ; h != 0; h &= h - 1 {
		n++
	}
	return n
}

// history collects what several clients did. Its clock is a counter, so that
// no two events are simultaneous.
type history struct {
	clock atomic.Int64
	mu    sync.Mutex
	ops   map[string][]porcupine.Operation // by table and name
}

func (h *history) add(where string, op porcupine.Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops[where] = append(h.ops[where], op)
}

// linearizable returns a scenario in which clients send random commands, and
// end their connection with some probability after each.
func linearizable(commands []string, ending float64) func(*run) error {
	return func(r *run) error {
		h := &history{ops: map[string][]porcupine.Operation{}}
		var clients atomic.Int64
		err := each(linearClients, func(i int) error {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for left := linearCommands; left > 0; {
				n, err := r.life(h, int(clients.Add(1)-1), random, commands, ending, left)
				if err != nil {
					return err
				}
				left -= n
			}
			return nil
		})
		if err != nil {
			return err
		}
		return r.checkHistory(h)
	}
}

// life is what one connection does; it returns the number of its commands.
func (r *run) life(h *history, client int, random *rand.Rand, commands []string, ending float64, most int) (int, error) {
	const mostClients = 64 // bits of holders
	c, err := r.conn(fmt.Sprintf("l%d", client))
	if err != nil {
		return 0, err
	}
	touched := map[string]bool{}
	for n := range most {
		in := call{client, commands[random.IntN(len(commands))], fmt.Sprintf("x%d", random.IntN(linearNames)+1)}
		where := in.name
		if in.command[0] == 's' {
			where = "shared " + in.name
		}
		touched[where] = true
		op := porcupine.Operation{ClientId: client, Input: in, Call: h.clock.Add(1)}
		out, err := r.askInt(c, in.command+" "+r.name(in.name))
		if err != nil {
			return 0, err
		}
		op.Output, op.Return = out, h.clock.Add(1)
		h.add(where, op)
		if random.Float64() >= ending || client >= mostClients-linearClients {
			continue
		}
		op = porcupine.Operation{ClientId: client, Input: call{client, "end", ""}, Output: unanswered, Call: h.clock.Add(1)}
		r.log.note(c.name, "half-close (by the client)")
		if err := r.broken(c, c.t.halfClose()); err != nil {
			return 0, err
		}
		if err := c.end(r.suite.opts.Timeout); !isEnd(err) {
			return 0, failf(r.missing(c, err), "the end of the stream after a half-close")
		}
		op.Return = h.clock.Add(1)
		for where := range touched {
			h.add(where, op)
		}
		return n + 1, nil
	}
	return most, nil
}

// checkHistory looks for an order of the commands on each name that explains
// every reply.
func (r *run) checkHistory(h *history) error {
	model := lockModel(r.suite.server.Dialect != Classic)
	var places []string
	for where := range h.ops {
		places = append(places, where)
	}
	slices.Sort(places)
	for _, where := range places {
		switch porcupine.CheckOperationsTimeout(model, h.ops[where], checkTimeout) {
		case porcupine.Unknown:
			return failf("no decision within "+checkTimeout.String(), "a history that can be checked")
		case porcupine.Illegal:
			return failf(explain(model, h.ops[where]), "an order of the commands on %s that explains every reply, "+
				"where a command takes effect between being sent (#from) and answered (#to)", where)
		}
	}
	return nil
}

// explain shows a history up to the first reply that no order explains.
func explain(model porcupine.Model, ops []porcupine.Operation) string {
	byReturn := slices.SortedFunc(slices.Values(ops), func(a, b porcupine.Operation) int { return int(a.Return - b.Return) })
	for _, culprit := range byReturn {
		var before []porcupine.Operation
		for _, op := range ops {
			if op.Call > culprit.Return {
				continue
			}
			if op.Return > culprit.Return {
				op.Output = unanswered
			}
			before = append(before, op)
		}
		if porcupine.CheckOperationsTimeout(model, before, checkTimeout) == porcupine.Illegal {
			return show(before, culprit)
		}
	}
	return "the whole history"
}

func show(ops []porcupine.Operation, culprit porcupine.Operation) string {
	slices.SortFunc(ops, func(a, b porcupine.Operation) int { return int(a.Return - b.Return) })
	const most = 25
	var b strings.Builder
	if len(ops) > most {
		fmt.Fprintf(&b, "… %d commands before that can be explained\n", len(ops)-most)
		ops = ops[len(ops)-most:]
	}
	for _, op := range ops {
		in := op.Input.(call)
		fmt.Fprintf(&b, "#%d to #%d: connection l%d %s", op.Call, op.Return, in.client, in.command)
		if out := op.Output.(int); out != unanswered {
			fmt.Fprintf(&b, " → %d", out)
		}
		if op.Return == culprit.Return {
			b.WriteString("   ← this reply is impossible")
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}
