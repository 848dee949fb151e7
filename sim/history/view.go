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

// op formats an operation and its answer.
func (v view) op(op *Operation) string {
	text := strings.TrimSuffix(op.Command+" "+v.short(op.Name), " ")
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
func (v view) operation(in, _ any) string { return v.op(in.(input).op) }

// holders formats the state of a name.
func (v view) holders(s nameState) string {
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
