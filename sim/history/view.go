package history

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// view formats operations and states: names without their common prefix, connections by
// their numbers in the history.
type view struct {
	prefix string
	labels []int // of the connections of a partition
}

func (h *History) view(labels []int) view { return view{h.Prefix, labels} }

func (v view) short(name string) string { return strings.TrimPrefix(name, v.prefix) }

// line formats the line of an operation. A wait begins with a word of its own, without
// its milliseconds.
func (v view) line(op *Operation, wait string) string {
	shown := *op
	shown.Name = v.short(op.Name)
	return strings.Replace(shown.Line(0), "w 0 ", wait+" ", 1)
}

// op formats an operation and its answer.
func (v view) op(op *Operation) string {
	text := v.line(op, "w")
	switch {
	case op.Command == End:
		return "disconnect"
	case !op.Answered:
		return text + " → (no answer)"
	case op.Text != "":
		return text + " → " + op.Text
	}
	return fmt.Sprintf("%s → %d", text, op.Value)
}

// operation is op for porcupine.
func (v view) operation(in, _ any) string {
	switch op := in.(input); {
	case op.over:
		return "the wait ends: " + v.op(op.op)
	case op.op.waits():
		return v.line(op.op, "stands in for")
	default:
		return v.op(op.op)
	}
}

// state formats the state of a name.
func (v view) state(s lockState) string {
	var parts []string
	if s.holder >= 0 {
		parts = append(parts, fmt.Sprintf("held by connection %d", v.labels[s.holder]))
	}
	if s.holders != 0 {
		var conns []string
		for set := s.holders; set != 0; set &= set - 1 {
			conns = append(conns, fmt.Sprint(v.labels[bits.TrailingZeros64(set)]))
		}
		parts = append(parts, "shared by connections "+strings.Join(conns, ", "))
	}
	if s.queue.n > 0 {
		var conns []string
		for _, c := range s.queue.conns[:s.queue.n] {
			conns = append(conns, fmt.Sprint(v.labels[c]))
		}
		parts = append(parts, "waited for by connections "+strings.Join(conns, ", "))
	}
	if parts == nil {
		return "free"
	}
	return strings.Join(parts, ", ")
}

// Lines formats the operations of a history, one a line, by the time of their calls.
func (h *History) Lines() []string {
	var lines []string
	see := h.view(nil)
	for _, op := range slices.SortedStableFunc(slices.Values(h.Ops), func(a, b Operation) int { return cmp.Compare(a.Call, b.Call) }) {
		lines = append(lines, fmt.Sprintf("connection %d: %s, from %d to %d", op.Conn, see.op(&op), op.Call, op.Return))
	}
	return lines
}
