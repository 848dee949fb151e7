package history

import (
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Verdict says in a sentence which answer is wrong: the first one that no order of
// the operations explains. Finding it may take as long as a check.
func (v *Violation) Verdict() string {
	if v.Result == porcupine.Unknown {
		return v.Error()
	}
	part := v.history.restrict(v.checked)
	_, op := part.breaking(v.Part, time.Now().Add(Timeout))
	if op == nil {
		return "Nothing explains what the clients saw of " + v.Part
	}
	see := v.history.view(nil)
	text := fmt.Sprintf("Nothing explains that connection %d %s (%s)", op.Conn, told(op, see.short(op.Name)), see.op(op))
	if v.checked.whole {
		text += " after what all saw of all names"
	}
	return text
}

// told says what an answer means.
func told(op *Operation, name string) string {
	yes := op.Value != 0
	table := "exclusive"
	if op.shared() {
		table = "shared"
	}
	switch op.Command {
	case Get, GetShared, GetBounded, WaitGet, WaitBounded:
		text := fmt.Sprintf("was refused the %s lock %s", table, name)
		switch {
		case yes && op.shared():
			text = fmt.Sprintf("got the shared lock %s as holder number %d", name, op.Value)
		case yes:
			text = "got the exclusive lock " + name
		}
		if op.waits() {
			text += " after a wait"
		}
		return text
	case Release, ReleaseShared:
		if yes {
			return fmt.Sprintf("released the %s lock %s", table, name)
		}
		return fmt.Sprintf("was told that it did not hold the %s lock %s", table, name)
	case Inspect:
		if yes {
			return "saw the exclusive lock " + name + " held"
		}
		return "saw the exclusive lock " + name + " free"
	case InspectShared:
		return fmt.Sprintf("saw the shared lock %s held by %d", name, op.Value)
	}
	return "got this reply to " + op.Command
}

// restrict returns the part of a history that one model checks.
func (h *History) restrict(p partition) *History {
	if p.whole {
		return h
	}
	return h.keep(func(op *Operation) bool { return op.Command == End || !op.spansNames() && op.key() == p.key })
}

// keep returns a history of the wanted operations, without connections that then have
// only an end.
func (h *History) keep(wanted func(*Operation) bool) *History {
	kept := *h
	kept.Ops, kept.Faults = nil, nil
	busy := map[int]bool{}
	for i := range h.Ops {
		if op := &h.Ops[i]; wanted(op) {
			kept.Ops = append(kept.Ops, *op)
			busy[op.Conn] = busy[op.Conn] || op.Command != End
		}
	}
	kept.Ops = slices.DeleteFunc(kept.Ops, func(op Operation) bool { return !busy[op.Conn] })
	for _, f := range h.Faults {
		if busy[f.Conn] {
			kept.Faults = append(kept.Faults, f)
		}
	}
	return &kept
}

// until returns the history up to a moment. Operations not answered by then are
// unanswered, and connections that had not ended by then end afterwards. If the
// history is linearizable, so is the result: an order of all operations begins with an
// order of the finished ones and some of those under way.
func (h *History) until(moment int64) *History {
	kept := h.keep(func(op *Operation) bool { return op.Call <= moment || op.Command == End })
	for i := range kept.Ops {
		op := &kept.Ops[i]
		if op.Return <= moment {
			continue
		}
		op.Return = moment + 2
		if op.Command == End {
			op.Call = min(op.Call, moment+1)
		} else {
			op.Answered, op.Value, op.Text = false, 0, ""
		}
	}
	kept.Faults = slices.DeleteFunc(kept.Faults, func(f Fault) bool { return f.At > moment })
	return kept
}

// breaking returns the history up to the first moment at which a part is violated, and
// the operation that was answered then; nil if they are not found in time.
func (h *History) breaking(title string, deadline time.Time) (*History, *Operation) {
	var moments []int64
	for i := range h.Ops {
		if h.Ops[i].Answered {
			moments = append(moments, h.Ops[i].Return)
		}
	}
	slices.Sort(moments)
	moments = slices.Compact(moments)
	unsure := false
	at, _ := slices.BinarySearchFunc(moments, true, func(moment int64, _ bool) int {
		switch h.until(moment).judge(title, deadline) {
		case porcupine.Illegal:
			return 0
		case porcupine.Unknown:
			unsure = true
		}
		return -1
	})
	if at == len(moments) {
		return h, nil
	}
	broken := h.until(moments[at])
	if unsure {
		return broken, nil
	}
	var last *Operation
	for i := range broken.Ops {
		if op := &broken.Ops[i]; op.Answered && op.Return == moments[at] {
			if last != nil {
				return broken, nil // one of several
			}
			last = op
		}
	}
	return broken, last
}

// judge checks the part of a history with that title.
func (h *History) judge(title string, deadline time.Time) porcupine.CheckResult {
	left := time.Until(deadline)
	if left <= 0 {
		return porcupine.Unknown
	}
	for _, p := range h.parts() {
		if p.title() == title {
			return p.check(min(left, Timeout))
		}
	}
	if title == together {
		return porcupine.Unknown // too long, or too much overlap
	}
	return porcupine.Ok
}
