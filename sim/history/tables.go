package history

import (
	"fmt"
	"maps"
	"math/bits"
	"regexp"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// Limits of the model of all names together, beyond which its cost explodes.
const (
	maxNames   = 4
	maxWhole   = 128 // inputs: a wait is two
	maxOverlap = 16  // concurrent inputs
)

// tablesState is the state of every name in both tables.
type tablesState struct {
	progress
	exclusive, shared      [maxNames]lockState
	orphans, sharedOrphans int
}

// shortHistory is a history that is short enough to be checked without partitioning.
type shortHistory struct {
	partition
	names []string // sorted; a name's number is its index
	addrs []string // of the connections, by their numbers in the partition
}

// whole prepares a history for the model of all names, if it is short enough.
func (h *History) whole() (shortHistory, bool) {
	ends := map[int]*Operation{}
	numbers := map[string]int{}
	var ops []*Operation
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Command == End {
			ends[op.Conn] = op
			continue
		}
		ops = append(ops, op)
		if !op.spansNames() {
			numbers[op.Name] = 0
		}
	}
	if len(h.Ops) > maxWhole || len(numbers) > maxNames || len(ends) > maxConns {
		return shortHistory{}, false
	}
	w := shortHistory{names: slices.Sorted(maps.Keys(numbers))}
	for i, name := range w.names {
		numbers[name] = i
	}
	operations, labels := prepare(ops, ends, numbers)
	if len(operations) > maxWhole || overlap(operations) > maxOverlap {
		return shortHistory{}, false
	}
	w.addrs = make([]string, len(labels))
	for _, o := range operations {
		if in := o.Input.(input); in.op.Conn < len(h.Addrs) {
			w.addrs[in.conn] = h.Addrs[in.op.Conn]
		}
	}
	model := modelOfAll(w, h.Classic, h.view(labels))
	w.partition = partition{whole: true, operations: operations, labels: labels, model: model}
	return w, true
}

// overlap returns the maximum number of concurrent inputs.
func overlap(operations []porcupine.Operation) int {
	changes := map[int64]int{}
	for _, op := range operations {
		changes[op.Call]++
		changes[op.Return]--
	}
	now, most := 0, 0
	for _, at := range slices.Sorted(maps.Keys(changes)) {
		now += changes[at]
		most = max(most, now)
	}
	return most
}

// modelOfAll is the model of all names together. It checks what partitions cannot: that
// an end releases several names in one step [END-7], and that statistics and dumps are
// snapshots [STATS-8, DUMP-8].
func modelOfAll(w shortHistory, classic bool, v view) porcupine.Model {
	initial := tablesState{}
	for i := range maxNames {
		initial.exclusive[i], initial.shared[i] = free, free
	}
	return porcupine.Model{
		Init: func() any { return initial },
		Step: func(state, in, _ any) (bool, any) {
			s, op := state.(tablesState), in.(input)
			legal, effective := s.admit(&op)
			if !legal || !effective {
				return legal, s
			}
			switch op.op.Command {
			case End:
				for i := range maxNames {
					s.orphans += number(s.exclusive[i].holder == op.conn)
					s.sharedOrphans += number(s.shared[i].holders&(1<<op.conn) != 0)
					s.exclusive[i].step(&op, classic)
					s.shared[i].step(&op, classic)
				}
				return true, s
			case Statistics, Dump, DumpShared:
				return s.show(op.op.Command, &w) == op.op.Text, s
			}
			table := &s.exclusive[op.name]
			if op.op.shared() {
				table = &s.shared[op.name]
			}
			return table.step(&op, classic), s
		},
		Equal: func(a, b any) bool {
			x, y := a.(tablesState), b.(tablesState)
			return x.exclusive == y.exclusive && x.shared == y.shared && x.orphans == y.orphans && x.sharedOrphans == y.sharedOrphans
		},
		Hash: func(state any) uint64 {
			s := state.(tablesState)
			sum := uint64(s.orphans + 100*s.sharedOrphans)
			for i := range maxNames {
				sum = sum*1099511628211 + s.exclusive[i].hash()
				sum = sum*1099511628211 + s.shared[i].hash()
			}
			return sum
		},
		DescribeOperation: v.operation,
		DescribeState: func(state any) string {
			s := state.(tablesState)
			var parts []string
			for i, name := range w.names {
				both := s.exclusive[i]
				both.holders = s.shared[i].holders
				parts = append(parts, v.short(name)+": "+v.state(both))
			}
			return strings.Join(parts, "; ")
		},
	}
}

// show returns the answer to a query that spans names, in the canonical form.
func (s *tablesState) show(command string, w *shortHistory) string {
	figures := map[string]int{"orphans": s.orphans, "shared_orphans": s.sharedOrphans}
	var exclusive, shared []string
	for i, name := range w.names {
		if holder := s.exclusive[i].holder; holder >= 0 {
			figures["locks"]++
			exclusive = append(exclusive, name+":"+w.addrs[holder])
		}
		if set := s.shared[i].holders; set != 0 {
			figures["shared_locks"]++
			var holders []string
			for ; set != 0; set &= set - 1 {
				holders = append(holders, w.addrs[bits.TrailingZeros64(set)])
			}
			slices.Sort(holders)
			shared = append(shared, name+":["+strings.Join(holders, " ")+"]")
		}
	}
	switch command {
	case Dump:
		return "map[" + strings.Join(exclusive, " ") + "]"
	case DumpShared:
		return "map[" + strings.Join(shared, " ") + "]"
	}
	return CanonicalStatistics(figures)
}

// CanonicalStatistics formats the figures of q that a history keeps, for Operation.Text.
// Orphans are counted from the start of the history.
func CanonicalStatistics(figures map[string]int) string {
	return fmt.Sprintf("locks %d, shared_locks %d, orphans %d, shared_orphans %d",
		figures["locks"], figures["shared_locks"], figures["orphans"], figures["shared_orphans"])
}

// CanonicalDump sorts the holders of every shared lock in the reply to dump shared, for
// Operation.Text: the models know the holders of a lock, but not their order. Names and
// addresses must not contain spaces or brackets.
func CanonicalDump(line string) string {
	return holderLists.ReplaceAllStringFunc(line, func(list string) string {
		holders := strings.Fields(strings.Trim(list, "[]"))
		slices.Sort(holders)
		return "[" + strings.Join(holders, " ") + "]"
	})
}

var holderLists = regexp.MustCompile(`\[[^\[\]]*\]`)
