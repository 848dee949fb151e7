package scenario

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/history"
)

// The sizes of the scenarios about linearizability. At most linearClients commands overlap
// on a name, which keeps the check fast.
const (
	linearClients  = 6
	linearCommands = 60 // for each client
	linearNames    = 2
	linearConns    = 64 // most connections in a history
	shrinkTime     = 10 * time.Second
)

// recorder records what several clients saw, as a history. Its clock is a counter, so
// that no two calls or returns are simultaneous.
type recorder struct {
	clock   atomic.Int64
	clients atomic.Int64 // connections so far
	mu      sync.Mutex
	history history.History
	open    []history.Operation // the ends, still to come, of connections that stay open
}

func (r *recorder) now() int64 { return r.clock.Add(1) }

func (r *recorder) add(op history.Operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Ops = append(r.history.Ops, op)
}

// linearizable returns a scenario in which clients send random commands, and end their
// connections with the probability ending after each. The history must be linearizable.
func linearizable(commands []string, ending float64) func(*engine.Run) error {
	return func(r *engine.Run) error {
		record := &recorder{}
		record.history.Classic = r.Subject.Dialect == protocol.Classic
		err := engine.Each(linearClients, func(i int) error {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for left := linearCommands; left > 0; {
				n, err := playConnection(r, record, random, commands, ending, left)
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
		for _, end := range record.open { // nothing more is asked, and what they hold is held until now
			end.Call, end.Return = record.now(), record.now()
			record.add(end)
		}
		return explained(record.history.Check())
	}
}

// playConnection sends up to most commands on one connection, and returns their number.
func playConnection(r *engine.Run, record *recorder, random *rand.Rand, commands []string, ending float64, most int) (int, error) {
	id := int(record.clients.Add(1) - 1)
	c, err := r.Conn(fmt.Sprintf("l%d", id))
	if err != nil {
		return 0, err
	}
	for n := range most {
		op := history.Operation{Conn: id, Seq: n, Command: commands[random.IntN(len(commands))], Name: fmt.Sprintf("x%d", random.IntN(linearNames)+1), Bound: random.IntN(3)}
		asked := op
		asked.Name = r.Name(op.Name)
		op.Call = record.now()
		if op.Value, err = r.AskInt(c, asked.Line(random.IntN(30))); err != nil {
			return 0, err
		}
		op.Return, op.Answered = record.now(), true
		record.add(op)
		if random.Float64() >= ending || id >= linearConns-linearClients {
			continue
		}
		end := history.Operation{Conn: id, Seq: n + 1, Command: history.End, Call: record.now()}
		if err := c.HalfClose(); err != nil {
			return 0, engine.Broken(c, err)
		}
		if err := c.End(r.Subject.Timeout); !engine.IsEnd(err) {
			return 0, report.Failf(r.Missing(c, err), "the end of the stream after a half-close")
		}
		end.Return = record.now()
		record.add(end)
		return n + 1, nil
	}
	record.mu.Lock()
	defer record.mu.Unlock()
	record.open = append(record.open, history.Operation{Conn: id, Seq: most, Command: history.End})
	return most, nil
}

// explained makes a report.Failure of a history that is not linearizable.
func explained(err error) error {
	var v *history.Violation
	if !errors.As(err, &v) {
		return err
	}
	text := v.Verdict()
	if small := v.Shrink(shrinkTime); small != nil {
		text += ". The operations that are needed to see it:\n" + strings.Join(small.Lines(), "\n")
	}
	return report.Failf(text, "an order of the commands that explains every reply, in which every command takes effect between its sending (from) and its reply (to)")
}
