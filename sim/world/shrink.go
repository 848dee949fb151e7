package world

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"lockd/sim/history"
	"lockd/sim/shrink"
)

// Replay applies a trace to a new server and a new model and returns the first
// difference or broken invariant. It checks after every event.
func Replay(o Options, events []Event) error {
	_, err := Play(o, events)
	return err
}

// Play is Replay, and also reports whether any command was granted. At the end event
// loops take turns until they come to rest.
func Play(o Options, events []Event) (granted bool, err error) {
	j := newTraced(o)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	do := j.apply
	if o.Loops > 0 {
		s := newHarness(o, j, new(Coverage))
		do = func(event Event) { s.do(event) }
		events = append(events[:len(events):len(events)], Event{Kind: Settle})
	}
	for _, event := range events {
		do(event)
		if j.Valid(); j.Err() != nil {
			break
		}
	}
	return j.Granted(), j.Err()
}

// Explanation is a failure, with its traces.
type Explanation struct {
	Options Options
	Failure error            // of the run
	History *history.History // nil unless the run recorded one
	Trace   []Event          // what reached the server, up to the failure
	Shrunk  []Event          // a small part of Trace that still fails; nil if Trace alone does not fail
	Reason  error            // why Shrunk fails
}

// ErrNotRepeated means that a run failed and passed the second time: the world is not
// deterministic, which is a bug in itself.
var ErrNotRepeated = errors.New("the run failed once and passed the second time: something in it is not deterministic")

// Explain plays a failed run again, with a recorder, and shrinks its trace for at most
// budget.
func Explain(o Options, budget time.Duration) (Explanation, error) {
	e := Explanation{Options: o}
	var result Result
	result, e.Failure = run(o, &e.Trace)
	if e.History = result.History; e.Failure == nil {
		return e, ErrNotRepeated
	}
	if Replay(o, e.Trace) == nil {
		return e, nil // only an oracle that a trace does not run has noticed
	}
	e.Shrunk = Shrink(o, e.Trace, budget)
	e.Reason = Replay(o, e.Shrunk)
	return e, nil
}

// Shrink returns the smallest trace that still fails among those that it finds within
// budget. The trace that it starts from must fail.
func Shrink(o Options, events []Event, budget time.Duration) []Event {
	deadline := time.Now().Add(budget)
	fails := func(events []Event) bool { return time.Now().Before(deadline) && Replay(o, events) != nil }
	smallest := shrink.Remove(events, fails)
	if lines := splitLines(smallest); fails(lines) {
		smallest = shrink.Remove(lines, fails)
	}
	for i := range smallest {
		smallest = simplify(smallest, i, fails)
	}
	return shrink.Remove(smallest, fails)
}

// splitLines makes one event of every line of input.
func splitLines(events []Event) []Event {
	var split []Event
	for _, event := range events {
		if event.Kind != Receive && event.Kind != Arrive {
			split = append(split, event)
			continue
		}
		for line := range strings.SplitAfterSeq(event.Data, "\n") {
			if line != "" {
				split = append(split, Event{event.Kind, event.Conn, line})
			}
		}
	}
	return split
}

// simplify removes bytes from the data of one event.
func simplify(events []Event, at int, fails func([]Event) bool) []Event {
	with := func(data string) []Event {
		changed := append([]Event(nil), events...)
		changed[at].Data = data
		return changed
	}
	if events[at].Kind == Turn {
		if quiet := with(""); fails(quiet) {
			return quiet
		}
		return events
	}
	if events[at].Kind != Receive && events[at].Kind != Arrive {
		return events
	}
	data := shrink.Remove([]byte(events[at].Data), func(data []byte) bool { return fails(with(string(data))) })
	return with(string(data))
}

// Commands counts the lines in a trace.
func Commands(events []Event) int {
	lines := 0
	for _, event := range events {
		if event.Kind == Receive || event.Kind == Arrive {
			lines += strings.Count(event.Data, "\n")
		}
		if event.Kind == EndMessage {
			lines++
		}
	}
	return lines
}
