package life

import (
	"fmt"
	"testing"

	"lockd/server/core"
)

// situation is a life and what its driver has seen, which determines what must no longer
// happen.
type situation struct {
	life Life
	// Deadlines are kept relative to now, so that states repeat.
	refused, released, ended, closed bool
	unsent, input, waits             bool // as the driver knows
	how                              End
	stopped                          bool
	foreign                          bool
}

// moves returns what can happen to a connection: events, valid steps of its driver, and
// calls that do not apply.
func moves(w situation) map[string]func(*situation) {
	all := map[string]func(*situation){
		"time stands still": func(w *situation) {},
		"before the deadline": func(w *situation) {
			if d := w.life.deadline; d != core.Never && d > 1 {
				w.pass(d - 1)
			}
			w.life.Expire(0)
		},
		"at the deadline": func(w *situation) {
			if d := w.life.deadline; d != core.Never {
				w.pass(d)
			}
			w.life.Expire(0)
		},
		"at the end of draining or lingering": func(w *situation) {
			if w.life.stopping || w.life.phase == lingering {
				w.pass(max(0, min(w.life.until, w.life.deadline)))
			}
			w.life.Expire(0)
		},
		"stop": func(w *situation) { w.life.Stop(0); w.stopped = true },
		"drop": func(w *situation) { w.life.Drop() },
		"others cause replies": func(w *situation) {
			w.life.Owe(0)
			w.unsent = w.unsent || w.how == Open && !w.refused
		},
		"late calls": func(w *situation) {
			if step := w.life.Step(); step >= Release {
				w.life.Received(1)
				w.life.Executed(0, true, true, core.State{Waits: true, Ends: true})
				w.life.Resumed(0)
				w.life.Owe(0)
				w.life.Heard(0, 1)
				if w.life.Step() != step {
					panic("a call that does not apply has changed the step")
				}
			}
		},
	}
	if w.waits {
		for _, reply := range []bool{false, true} {
			all[fmt.Sprint("resume ", reply)] = func(w *situation) {
				if reply {
					w.life.Owe(0)
					w.unsent = true
				}
				w.life.Resumed(0)
				w.waits = false
			}
		}
	}
	switch w.life.Step() {
	case Wait:
		all["break"] = func(w *situation) { w.life.Ended(Failed) }
	case Read:
		all["read"] = func(w *situation) { w.life.Received(drainMost / 2); w.input = true }
		all["hear"] = func(w *situation) { w.life.Heard(0, drainMost/2) }
		all["read the end"] = func(w *situation) { w.life.Ended(Finished) }
		all["read an error"] = func(w *situation) { w.life.Ended(Failed) }
	case Execute:
		for i := range 8 {
			left, replies, waits := i&1 > 0, i&2 > 0, i&4 > 0
			all[fmt.Sprint("execute ", left, replies, waits)] = func(w *situation) {
				w.life.Executed(0, left, replies, core.State{Waits: waits})
				w.input, w.unsent, w.waits = left, replies, waits
			}
		}
		all["execute another protocol"] = func(w *situation) {
			w.life.Executed(0, true, true, core.State{Ends: true})
			w.input, w.unsent, w.foreign = false, true, true
		}
	case Write:
		all["write some"] = func(w *situation) { w.life.Wrote(0, 100_000, true) }
		all["write a piece"] = func(w *situation) { w.life.Wrote(0, WritePiece, true) }
		all["write all"] = func(w *situation) { w.life.Wrote(0, 1, false); w.unsent = false }
		all["write an error"] = func(w *situation) { w.life.Ended(Failed) }
	case Release:
		all["release"] = func(w *situation) { w.life.Released(); w.released = true }
	case EndStream:
		all["end the stream"] = func(w *situation) { w.life.StreamEnded(0, true); w.ended = true }
		all["fail to end the stream"] = func(w *situation) { w.life.StreamEnded(0, false) }
	case Discard:
		all["discard"] = func(w *situation) { w.life.Discarded(0) }
		all["read the end"] = func(w *situation) { w.life.Ended(Finished) }
		all["read an error"] = func(w *situation) { w.life.Ended(Failed) }
	case Close:
		all["close"] = func(w *situation) { w.life.Closed(); w.closed = true }
	}
	return all
}

// pass advances the time: now is always 0, so that the deadlines move.
func (w *situation) pass(d core.Time) {
	if w.life.deadline != core.Never {
		w.life.deadline -= d
	}
	// In whole milliseconds, so that states repeat; how long ago it ended does not
	// matter.
	left := w.life.until - d + core.Millisecond - 1
	w.life.until = max(left-left%core.Millisecond, -1)
}

// check checks the invariants.
func (w *situation) check(before situation) error {
	step := w.life.Step()
	if w.how == Open && !w.refused {
		w.how = w.life.End()
	}
	if w.how != Open {
		w.unsent, w.input, w.waits = false, false, false
	}
	switch {
	case step == Read && (w.unsent || w.input || w.waits):
		return fmt.Errorf("L1: it reads with unsent %v, input %v, waits %v", w.unsent, w.input, w.waits)
	case step == Execute && (!w.input || w.unsent || w.waits):
		return fmt.Errorf("it executes with input %v, unsent %v, waits %v", w.input, w.unsent, w.waits)
	case w.foreign && (step == Read || step == Execute):
		return fmt.Errorf("BAD-7: step %d comes after another protocol", step)
	case step == Wait && (!w.waits || w.unsent || w.life.Deadline() != core.Never):
		return fmt.Errorf("it waits until %d with unsent %v, waits %v", w.life.Deadline(), w.unsent, w.waits)
	case step == Write && !w.unsent && !w.refused:
		return fmt.Errorf("it writes although nothing is unsent")
	case step == Release && (w.refused || w.released):
		return fmt.Errorf("L2: it releases: refused %v, released %v", w.refused, w.released)
	case (step == EndStream || step == Discard || step == Close) && !w.refused && !w.released:
		return fmt.Errorf("L2: step %d comes before the release", step)
	case step == Discard && !w.ended:
		return fmt.Errorf("it discards although it has not ended the stream")
	case step == EndStream && w.ended:
		return fmt.Errorf("it ends the stream twice")
	case w.closed != (step == Nothing):
		return fmt.Errorf("closed is %v at step %d", w.closed, step)
	case step == Nothing && before.life.Step() != Nothing && before.life.Step() != Close:
		return fmt.Errorf("it has no next step but was not closed")
	case !w.refused && w.life.End() != w.how:
		return fmt.Errorf("it has ended %v, and then %v", w.how, w.life.End())
	case !w.refused && (w.how != Open) != (step >= Release):
		return fmt.Errorf("it has ended %v at step %d", w.how, step)
	case w.life.Step() == Discard && w.life.Deadline() > lingerPause:
		return fmt.Errorf("it lingers for %d", w.life.Deadline())
	}
	return w.terminates()
}

// terminates checks L3: a connection that has ended, that was refused, or whose server
// stops is closed by deadlines alone in a bounded time, even if the client does nothing,
// provided that the reply it waits for is made. So is any connection with limits.
func (w *situation) terminates() error {
	l, spent := w.life, core.Time(0)
	unlimited := l.limits.Idle == 0
	for range 20 {
		switch step := l.Step(); step {
		case Nothing:
			return nil
		case Execute:
			l.Executed(spent, false, false, core.State{})
		case Wait:
			l.Resumed(spent)
		case Release:
			l.Released()
		case EndStream:
			l.StreamEnded(spent, true)
		case Close:
			l.Closed()
		default:
			if l.Deadline() == core.Never {
				if unlimited && (step == Write || !w.stopped) {
					return nil
				}
				return fmt.Errorf("L3: step %d has no deadline", step)
			}
			if l.Deadline() < spent {
				return fmt.Errorf("L3: the deadline %d of step %d is before %d", l.Deadline(), step, spent)
			}
			spent = l.Deadline()
			l.Expire(spent)
		}
	}
	return fmt.Errorf("L3: it does not end: step %d, deadline %d", l.Step(), l.Deadline())
}

// TestExhaust visits every reachable state of a life, by all moves at the moments that
// matter.
func TestExhaust(t *testing.T) {
	seen := map[situation]bool{}
	var queue []situation
	for _, limits := range []*Limits{limited, {}} {
		queue = append(queue,
			situation{life: Admitted(0, limits)},
			situation{life: Refused(0, limits), refused: true, unsent: true})
	}
	transitions := 0
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		if seen[w] {
			continue
		}
		seen[w] = true
		for name, move := range moves(w) {
			next := w
			move(&next)
			if l := &next.life; l.phase >= closing || l.phase == serving && !l.stopping {
				l.until = 0 // has no meaning here
			}
			transitions++
			if err := next.check(w); err != nil {
				t.Fatalf("%q in %+v: %v", name, w, err)
			}
			if !seen[next] {
				queue = append(queue, next)
			}
		}
		if len(seen) > 200_000 {
			t.Fatal("the states do not repeat")
		}
	}
	t.Logf("%d states, %d transitions", len(seen), transitions)
	if len(seen) < 900 {
		t.Errorf("only %d states were reached", len(seen))
	}
}
