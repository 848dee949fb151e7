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

// Replay applies a trace to a fresh server and a fresh model and returns the
// first difference or broken invariant, looking after every event.
func Replay(o Options, events []Event) error {
	_, err := Play(o, events)
	return err
}

// Play is Replay, and also says whether any command was answered with yes. Event
// loops come to rest in the end.
func Play(o Options, events []Event) (granted bool, err error) {
	j := newTraced(o)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	do := j.apply
	if o.Loops > 0 {
		s := newStage(o, j, new(Coverage))
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

// Explanation is what is known about a failure.
type Explanation struct {
	Options Options
	Failure error            // of the run
	History *history.History // nil unless the run recorded one
	Trace   []Event          // what reached the server, up to the failure
	Shrunk  []Event          // as little of it as still fails; nil if the trace alone does not fail
	Reason  error            // why Shrunk fails
}

// ErrNotRepeated means that a run failed and did not fail the second time: the
// world is not deterministic, which is a fault of its own.
var ErrNotRepeated = errors.New("the run failed once and passed the second time: something in it is not deterministic")

// Explain plays a run that failed again, with a recorder, and shrinks its
// trace within the time given.
func Explain(o Options, budget time.Duration) (Explanation, error) {
	e := Explanation{Options: o}
	var result Result
	result, e.Failure = run(o, &e.Trace)
	if e.History = result.History; e.Failure == nil {
		return e, ErrNotRepeated
	}
	if Replay(o, e.Trace) == nil {
		return e, nil // only an oracle outside of the trace noticed
	}
	e.Shrunk = Shrink(o, e.Trace, budget)
	e.Reason = Replay(o, e.Shrunk)
	return e, nil
}

// Shrink returns the smallest trace it finds, within the time given, that still
// fails. The trace it starts from must fail.
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

// splitLines gives every line of input an event of its own.
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

// simplify takes bytes out of the data of one event.
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
