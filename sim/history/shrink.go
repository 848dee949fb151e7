package history

import (
	"cmp"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"lockd/sim/shrink"
)

// Shrink returns the smallest history that it finds, within the given time, in which the
// same part is violated. Every step keeps linearizable histories linearizable, so that a
// violation in the result proves one in the original. It returns nil if porcupine
// reached no verdict.
func (v *Violation) Shrink(budget time.Duration) *History {
	if v.Result != porcupine.Illegal {
		return nil
	}
	deadline := time.Now().Add(budget)
	violated := func(h *History) bool { return h.judge(v.Part, deadline) == porcupine.Illegal }
	small := v.history.restrict(v.checked)
	// The last holder of a lock stays, so that a reader sees when it ended.
	legible := func(h *History) bool { return violated(h) && (h.connections() > 1 || small.connections() == 1) }
	for before := len(small.Ops) + 1; len(small.Ops) < before; {
		before = len(small.Ops)
		small, _ = small.breaking(v.Part, deadline)
		small = small.dropIdle(violated)
		small = small.dropAny((*History).groups, violated)
		small = small.dropAny((*History).unanswered, violated)
		small = small.dropAny((*History).pairs, legible)
	}
	return small
}

func (h *History) connections() (n int) {
	for i := range h.Ops {
		n += number(h.Ops[i].Command == End)
	}
	return n
}

// without returns the history without the operations with the given indices.
func (h *History) without(places []int) *History {
	drop := map[*Operation]bool{}
	for _, i := range places {
		drop[&h.Ops[i]] = true
	}
	return h.keep(func(op *Operation) bool { return !drop[op] })
}

// dropIdle removes operations that change nothing in any order that explains the
// history; the others keep their answers.
func (h *History) dropIdle(violated func(*History) bool) *History {
	idle := h.idle()
	drop := func(kept []int) *History {
		return h.without(slices.DeleteFunc(slices.Clone(idle), func(i int) bool { return slices.Contains(kept, i) }))
	}
	return drop(shrink.Remove(idle, func(kept []int) bool { return violated(drop(kept)) }))
}

// dropAny removes candidates, each a set of operations, one after the other.
func (h *History) dropAny(candidates func(*History) [][]int, violated func(*History) bool) *History {
	for again := true; again; {
		again = false
		for _, places := range candidates(h) {
			if rest := h.without(places); violated(rest) {
				h, again = rest, true // the indices of the others have changed
				break
			}
		}
	}
	return h
}

// turns lists the indices of the operations of each connection on each name, in order;
// names and connections are in a fixed order as well.
func (h *History) turns() [][]int {
	var places []int
	for i := range h.Ops {
		if op := &h.Ops[i]; op.Command != End && !op.spansNames() {
			places = append(places, i)
		}
	}
	order := func(i, j int) int {
		a, b := &h.Ops[i], &h.Ops[j]
		return cmp.Or(a.key().compare(b.key()), cmp.Compare(a.Conn, b.Conn))
	}
	slices.SortStableFunc(places, func(i, j int) int {
		return cmp.Or(order(i, j), cmp.Compare(h.Ops[i].Seq, h.Ops[j].Seq))
	})
	var list [][]int
	for n, i := range places {
		if n == 0 || order(places[n-1], i) != 0 {
			list = append(list, nil)
		}
		list[len(list)-1] = append(list[len(list)-1], i)
	}
	return list
}

// got says whether the operation acquired a lock, or its connection already held it.
func (o *Operation) got() bool {
	return o.Answered && (o.Command == GetShared || o.acquires() && o.Value > 0)
}

// gaveUp says whether the operation released a lock.
func (o *Operation) gaveUp() bool {
	return o.Answered && o.Value == 1 && (o.Command == Release || o.Command == ReleaseShared)
}

// idle returns the indices of operations that certainly change nothing: inspections,
// refused ones, gets by the holder, and releases by others than the holder.
func (h *History) idle() []int {
	var idle []int
	for i := range h.Ops {
		if h.Ops[i].spansNames() {
			idle = append(idle, i)
		}
	}
	for _, turn := range h.turns() {
		var last *Operation // the last one that may have changed something
		for _, i := range turn {
			if op := &h.Ops[i]; op.idleAfter(last) {
				idle = append(idle, i)
			} else {
				last = op
			}
		}
	}
	return idle
}

// idleAfter says whether an operation changes nothing, given the last one of its
// connection that did, on the same name.
func (o *Operation) idleAfter(last *Operation) bool {
	holds, free := last != nil && last.got(), last == nil || last.gaveUp()
	switch o.Command {
	case Get, GetBounded:
		return o.Answered && o.Value == 0 || holds
	case WaitGet, WaitBounded:
		return holds // one that was refused has stood in the way of others
	case GetShared:
		return holds
	case Release, ReleaseShared:
		return o.Answered && o.Value == 0 || free && !o.Answered
	}
	return o.inspection()
}

// pairs returns the indices of a get and the release that follows it, or of a get that
// only the end of its connection follows, if no answer can depend on the lock being held
// between them. Without them the lock is free there, and all other operations on it are
// before or after that. The pairs that ended first come first.
func (h *History) pairs() [][]int {
	var list [][]int
	over := map[int]int64{} // by the index of the get
	for _, turn := range h.turns() {
		var last *Operation
		for n, i := range turn {
			op := &h.Ops[i]
			if op.idleAfter(last) {
				continue
			}
			fresh := last == nil || last.gaveUp()
			last = op
			if !op.got() || !fresh {
				continue
			}
			after, pair := h.end(op.Conn), []int{i}
			if n+1 < len(turn) {
				after, pair = &h.Ops[turn[n+1]], []int{i, turn[n+1]}
				if !after.gaveUp() {
					continue
				}
			}
			if !h.seen(op, after) {
				over[i] = after.Return
				list = append(list, pair)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b []int) int { return cmp.Compare(over[a[0]], over[b[0]]) })
	return list
}

func (h *History) end(conn int) *Operation {
	return &h.Ops[slices.IndexFunc(h.Ops, func(op Operation) bool { return op.Conn == conn && op.Command == End })]
}

// seen says whether an answer may depend on the lock being held between a get and the
// operation after it, or an unanswered get may have failed because of that.
func (h *History) seen(get, after *Operation) bool {
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Conn == get.Conn && !op.spansNames() {
			continue // it stays before or after both
		}
		within := op.Call <= after.Return && op.Return >= get.Call
		if op.Command == Statistics && after.Command == End {
			within = op.Return >= get.Call // it counts orphans
		}
		if within && op.depends(get.key()) {
			return true
		}
	}
	return false
}

// depends says whether the effect or answer of an operation on a name depends on whether
// another connection holds the lock.
func (o *Operation) depends(k key) bool {
	switch {
	case o.spansNames():
		return o.sees(k)
	case o.Command == End || o.key() != k:
		return false
	case k.shared:
		return o.Answered && o.Command != ReleaseShared || o.Command == GetBounded || o.waits()
	case o.Command == Get || o.waits():
		return !o.Answered || o.Value != 1
	}
	return o.Command == Inspect && o.Answered && o.Value != 0
}

// sees says whether an operation that spans names shows the table of a key.
func (o *Operation) sees(k key) bool {
	return o.Command == Statistics || o.Command == DumpShared && k.shared || o.Command == Dump && !k.shared
}

// unanswered returns, for each exclusive lock, the indices of unanswered gets, if no
// answer can depend on their effect.
func (h *History) unanswered() [][]int {
	gets := map[key][]int{}
	since := map[key]int64{} // the first call
	bad := map[key]bool{}    // some answer may depend on such a get
	var keys []key
	for _, turn := range h.turns() {
		k, waiting := h.Ops[turn[0]].key(), false
		for _, i := range turn {
			op := &h.Ops[i]
			switch {
			case op.Answered:
				bad[k] = bad[k] || waiting
			case op.Command == Get:
				if gets[k] == nil {
					keys, since[k] = append(keys, k), op.Call
				}
				gets[k], since[k], waiting = append(gets[k], i), min(since[k], op.Call), true
			}
		}
	}
	var list [][]int
	for _, k := range keys {
		seen := slices.ContainsFunc(h.Ops, func(op Operation) bool { return op.Answered && op.Return >= since[k] && op.depends(k) })
		if !bad[k] && !seen {
			list = append(list, gets[k])
		}
	}
	return list
}

// groups returns the indices of the operations on each name, for each table that no
// operation spanning names shows.
func (h *History) groups() [][]int {
	places := map[key][]int{}
	var keys []key
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Command == End || op.spansNames() {
			continue
		}
		if places[op.key()] == nil {
			keys = append(keys, op.key())
		}
		places[op.key()] = append(places[op.key()], i)
	}
	var list [][]int
	for _, k := range keys {
		if !slices.ContainsFunc(h.Ops, func(op Operation) bool { return op.spansNames() && op.sees(k) }) {
			list = append(list, places[k])
		}
	}
	return list
}
