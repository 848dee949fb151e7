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
// first difference or broken invariant, looking after every operation.
func Replay(o Options, ops []Op) error {
	_, err := Play(o, ops)
	return err
}

// Play is Replay, and also says whether any command was answered with yes. Event
// loops come to rest in the end.
func Play(o Options, ops []Op) (granted bool, err error) {
	j := newTraced(o)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	do := j.apply
	if o.Loops > 0 {
		s := newStage(o, j, new(Coverage))
		do = func(op Op) { s.do(op) }
		ops = append(ops[:len(ops):len(ops)], Op{Kind: Settle})
	}
	for _, op := range ops {
		do(op)
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
	Trace   []Op             // what reached the server, up to the failure
	Shrunk  []Op             // as little of it as still fails; nil if the trace alone does not fail
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
func Shrink(o Options, ops []Op, budget time.Duration) []Op {
	deadline := time.Now().Add(budget)
	fails := func(ops []Op) bool { return time.Now().Before(deadline) && Replay(o, ops) != nil }
	smallest := shrink.Remove(ops, fails)
	if lines := splitLines(smallest); fails(lines) {
		smallest = shrink.Remove(lines, fails)
	}
	for i := range smallest {
		smallest = simplify(smallest, i, fails)
	}
	return shrink.Remove(smallest, fails)
}

// splitLines gives every line of input an operation of its own.
func splitLines(ops []Op) []Op {
	var split []Op
	for _, op := range ops {
		if op.Kind != Receive && op.Kind != Arrive {
			split = append(split, op)
			continue
		}
		for line := range strings.SplitAfterSeq(op.Data, "\n") {
			if line != "" {
				split = append(split, Op{op.Kind, op.Conn, line})
			}
		}
	}
	return split
}

// simplify takes bytes out of the data of one operation.
func simplify(ops []Op, at int, fails func([]Op) bool) []Op {
	with := func(data string) []Op {
		changed := append([]Op(nil), ops...)
		changed[at].Data = data
		return changed
	}
	if ops[at].Kind == Turn {
		if quiet := with(""); fails(quiet) {
			return quiet
		}
		return ops
	}
	if ops[at].Kind != Receive && ops[at].Kind != Arrive {
		return ops
	}
	data := shrink.Remove([]byte(ops[at].Data), func(data []byte) bool { return fails(with(string(data))) })
	return with(string(data))
}

// Commands counts the lines in a trace.
func Commands(ops []Op) int {
	lines := 0
	for _, op := range ops {
		if op.Kind == Receive || op.Kind == Arrive {
			lines += strings.Count(op.Data, "\n")
		}
		if op.Kind == EndMessage {
			lines++
		}
	}
	return lines
}
