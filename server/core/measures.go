package core

import (
	"fmt"
	"slices"

	"lockd/lock"
	"lockd/wire"
)

// Outcome is what has become of a command.
type Outcome uint8

const (
	// done is any outcome of a command that is not about one lock, if it is not disabled.
	done Outcome = iota
	// granted is a yes to g, sg, b and w.
	granted
	// refused is a no of these since others hold the lock or wait for it, or since the
	// connection holds it otherwise; and a no of r, sr, t, st and k.
	refused
	// limited is a no since there are too many locks (BAD-5).
	limited
	// timedOut is a wait that ended by its deadline (WAIT-4).
	timedOut
	// cancelled is a wait that was cancelled (WAIT-6, WAIT-7).
	cancelled
	// disconnected is a wait that ended with its connection.
	disconnected
	// released is a yes to r and sr.
	released
	// held and free are the two answers of i and si.
	held
	free
	// disabled is a command of a feature that is off.
	disabled
	// misused is a w, b or k whose arguments are wrong.
	misused

	// NumOutcomes is the number of values of Outcome, for arrays indexed by it.
	NumOutcomes
)

var outcomes = [NumOutcomes]string{
	done: "done", granted: "granted", refused: "refused", limited: "limited", timedOut: "timed_out", cancelled: "cancelled",
	disconnected: "disconnected", released: "released", held: "held", free: "free", disabled: "disabled", misused: "misused",
}

// String returns the outcome as metrics show it.
func (o Outcome) String() string { return outcomes[o] }

// Measures are what happened in a Core since its start, and how large its tables are.
type Measures struct {
	// Commands counts by outcome what was answered: a w that waits is counted when its
	// wait ends.
	Commands [wire.NumCommands][NumOutcomes]uint64
	Invalid  uint64 // unknown commands (BAD-1)
	Long     uint64 // lines over the limit (BAD-3)
	Foreign  uint64 // connections that spoke another protocol (BAD-7)

	Open     [NumTransports]int
	Accepted [NumTransports]uint64 // admitted since the start
	Refused  [NumTransports]uint64 // for the limit of connections (BAD-4)

	// Of either table: names that are held, their holders, grants, releases by the end
	// of a connection (STATS-6), and connections that wait. The number of names of
	// shared locks may be too large for some milliseconds after a large end.
	Exclusive, Shared TableMeasures
	Queues            int // locks that somebody waits for

	// Waits are the times waited, in milliseconds, by how the wait ended.
	Waits [NumOutcomes]Histogram
	// Places are the places in the queue at which waits began, from 1.
	Places Histogram
}

// TableMeasures are the Measures of one of the two tables.
type TableMeasures struct {
	Names, Holders, Waiters int
	Grants, Orphans         uint64
}

// newMeasures returns what Core counts itself; Core.Measures adds the sizes.
func newMeasures() *Measures {
	m := &Measures{Places: NewHistogram(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)}
	for _, o := range WaitOutcomes {
		m.Waits[o] = NewHistogram(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000)
	}
	return m
}

// WaitOutcomes are the ways in which a wait ends. It must not be changed.
var WaitOutcomes = []Outcome{granted, limited, timedOut, cancelled, disconnected}

// Measures returns the current measures. It costs some microseconds, whatever the size
// of the tables.
func (c *Core) Measures() *Measures {
	m := *c.measures
	for _, o := range WaitOutcomes {
		m.Waits[o] = m.Waits[o].Clone()
	}
	m.Places = m.Places.Clone()
	exclusive, shared := c.machine.ExclusiveSize(), c.machine.SharedSize()
	m.Exclusive.Names, m.Exclusive.Holders = exclusive.Names, exclusive.Holdings
	m.Shared.Names, m.Shared.Holders = shared.Names, shared.Holdings
	m.Exclusive.Waiters, m.Shared.Waiters = c.machine.WaitingIn()
	m.Queues = c.machine.Queues()
	return &m
}

// count counts the outcome of a command.
func (c *Core) count(command wire.Command, o Outcome) { c.measures.Commands[command][o]++ }

// countAnswer counts a command that was answered with yes or no.
func (c *Core) countAnswer(command wire.Command, n int, yes, no Outcome) {
	if n > 0 {
		no = yes
	}
	c.count(command, no)
}

// countAcquisition counts the outcome of an acquisition by a command, w included.
func (c *Core) countAcquisition(command wire.Command, shared bool, outcome lock.Outcome) Outcome {
	o := refused
	switch outcome {
	case lock.Granted:
		o = granted
		c.table(shared).Grants++
	case lock.Limited:
		o = limited
	}
	c.count(command, o)
	return o
}

// countWait counts the end of a wait.
func (c *Core) countWait(w *wait, o Outcome) {
	c.measures.Waits[o].Add(max(0, int64(c.now/Millisecond)-w.ticket.Millisecond()))
}

// endWait counts the end of a wait for a lock that was not granted.
func (c *Core) endWait(w *wait, o Outcome) {
	c.count(wire.Wait, o)
	c.countWait(w, o)
}

// waitEnds are the outcomes of events that end a wait.
var waitEnds = map[EventKind]Outcome{TimedOut: timedOut, Cancelled: cancelled}

func (c *Core) table(shared bool) *TableMeasures {
	if shared {
		return &c.measures.Shared
	}
	return &c.measures.Exclusive
}

// executed returns how often a command was executed (STATS-3); Unknown is what is no command
// (STATS-7, BAD-3, BAD-7).
func (c *Core) executed(command wire.Command) (n uint64) {
	m := c.measures
	switch command {
	case wire.Unknown:
		return m.Invalid + m.Long + m.Foreign
	case wire.Wait:
		n = uint64(len(c.deadlines)) // these have no outcome yet
	}
	for _, o := range m.Commands[command] {
		n += o
	}
	return n
}

// validMeasures checks that the measures agree with each other.
func (c *Core) validMeasures() error {
	m := c.measures
	for command, outcomes := range m.Commands {
		for o, n := range outcomes {
			if n > 0 && !slices.Contains(Outcomes(wire.Command(command)), Outcome(o)) {
				return fmt.Errorf("the outcome of %d commands %q is %s", n, wire.Command(command), Outcome(o))
			}
		}
	}
	for _, o := range WaitOutcomes {
		if n, most := m.Waits[o].Count(), m.Commands[wire.Wait][o]; n > most {
			return fmt.Errorf("%d waits ended as %s, of %d commands", n, o, most)
		}
	}
	open := 0
	for t, n := range m.Open {
		if n < 0 || uint64(n) > m.Accepted[t] {
			return fmt.Errorf("%d connections are open over %s, of %d", n, Transport(t), m.Accepted[t])
		}
		open += n
	}
	if open != len(c.conns) {
		return fmt.Errorf("%d connections are open, %d by transport", len(c.conns), open)
	}
	return nil
}

// Outcomes returns the outcomes that a command can have. The slice must not be changed.
func Outcomes(command wire.Command) []Outcome { return possible[command] }

var possible = func() (all [wire.NumCommands][]Outcome) {
	for command := wire.Get; command < wire.NumCommands; command++ {
		all[command] = []Outcome{done, disabled}
	}
	all[wire.Get] = []Outcome{granted, refused, limited}
	all[wire.GetShared] = all[wire.Get]
	all[wire.GetBounded] = []Outcome{granted, refused, limited, misused}
	all[wire.Wait] = []Outcome{granted, refused, limited, timedOut, cancelled, disconnected, misused}
	all[wire.Release] = []Outcome{released, refused}
	all[wire.ReleaseShared] = all[wire.Release]
	all[wire.Inspect] = []Outcome{held, free}
	all[wire.InspectShared] = all[wire.Inspect]
	all[wire.Token] = []Outcome{held, refused}
	all[wire.SharedToken] = all[wire.Token]
	all[wire.Kill] = []Outcome{done, refused, disabled, misused}
	for _, command := range []wire.Command{wire.Stats, wire.Me, wire.Version} {
		all[command] = []Outcome{done}
	}
	return all
}()

// NotGranted returns how many of these acquisitions were not granted.
func NotGranted(outcomes *[NumOutcomes]uint64) uint64 {
	return outcomes[refused] + outcomes[limited] + outcomes[timedOut] + outcomes[cancelled] + outcomes[disconnected]
}
