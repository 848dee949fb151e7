package history

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// maker generates linearizable histories: it executes operations one after the other,
// with calls and returns around these instants.
type maker struct {
	*rand.Rand
	h               History
	grain           int64 // resolution of times; coarse ones coincide
	now             int64
	exclusive       map[string]int
	shared          map[string]map[int]bool
	orphans         [2]int
	calls, returned map[int]int64 // of the last operation of each connection
	seqs            map[int]int
}

func makeHistory(seed uint64, grain int64) *History {
	m := &maker{
		Rand: rand.New(rand.NewPCG(seed, 1)), exclusive: map[string]int{}, shared: map[string]map[int]bool{"x": {}, "y": {}},
		calls: map[int]int64{}, returned: map[int]int64{}, seqs: map[int]int{}, now: 10 * grain, grain: grain,
	}
	m.h.Classic = m.IntN(4) == 0
	alive := []int{0, 1, 2}[:2+m.IntN(2)]
	next := len(alive)
	names := []string{"x", "y"}[:1+m.IntN(2)]
	tables := m.IntN(3) // which commands occur
	for range 6 + m.IntN(14) {
		at := m.IntN(len(alive))
		if m.IntN(6) == 0 {
			m.end(alive[at])
			alive[at] = next
			next++
			continue
		}
		m.do(alive[at], names[m.IntN(len(names))], tables)
	}
	for _, conn := range alive {
		m.end(conn)
	}
	for conn := range next {
		m.h.Addrs = append(m.h.Addrs, fmt.Sprint("a", conn))
	}
	slices.SortStableFunc(m.h.Ops, func(a, b Operation) int { return int(a.Call - b.Call) })
	return &m.h
}

func (m *maker) op(conn int, command, name string) *Operation {
	m.now += m.grain
	op := Operation{Conn: conn, Seq: m.seqs[conn], Command: command, Name: name, Answered: command != End}
	op.Call = max(m.calls[conn], m.now-m.Int64N(3*m.grain))
	op.Return = max(m.returned[conn]+1, m.now+1+m.Int64N(3*m.grain))
	m.seqs[conn]++
	m.calls[conn], m.returned[conn] = op.Call, op.Return
	m.h.Ops = append(m.h.Ops, op)
	return &m.h.Ops[len(m.h.Ops)-1]
}

func (m *maker) do(conn int, name string, tables int) {
	commands := []string{Get, Get, Release, Inspect}
	if tables > 0 {
		commands = append(commands, GetShared, GetShared, ReleaseShared, InspectShared)
	}
	if tables > 1 {
		commands = append(commands, Statistics, Dump, DumpShared)
	}
	op := m.op(conn, commands[m.IntN(len(commands))], name)
	holder, held := m.exclusive[name]
	switch op.Command {
	case Get:
		if !held {
			m.exclusive[name] = conn
		}
		op.Value = number(!held || holder == conn && !m.h.Classic)
	case Release:
		if held && holder == conn {
			op.Value = 1
			delete(m.exclusive, name)
		}
	case Inspect:
		op.Value = number(held)
	case GetShared:
		m.shared[name][conn] = true
		op.Value = len(m.shared[name])
	case ReleaseShared:
		op.Value = number(m.shared[name][conn])
		delete(m.shared[name], conn)
	case InspectShared:
		op.Value = len(m.shared[name])
	default:
		op.Name, op.Text = "", m.show(op.Command)
	}
}

func (m *maker) show(command string) string {
	var exclusive, shared []string
	for name, holder := range m.exclusive {
		exclusive = append(exclusive, fmt.Sprintf("%s:a%d", name, holder))
	}
	for name, holders := range m.shared {
		var addrs []string
		for conn := range holders {
			addrs = append(addrs, fmt.Sprint("a", conn))
		}
		slices.Sort(addrs)
		if len(addrs) > 0 {
			shared = append(shared, name+":["+strings.Join(addrs, " ")+"]")
		}
	}
	slices.Sort(exclusive)
	slices.Sort(shared)
	switch command {
	case Dump:
		return "map[" + strings.Join(exclusive, " ") + "]"
	case DumpShared:
		return "map[" + strings.Join(shared, " ") + "]"
	}
	return CanonicalStatistics(map[string]int{
		"locks": len(exclusive), "shared_locks": len(shared), "orphans": m.orphans[0], "shared_orphans": m.orphans[1],
	})
}

// end ends a connection; some of its last operations, and one before, may be unanswered,
// and some may not have been executed.
func (m *maker) end(conn int) {
	end := *m.op(conn, End, "")
	for name, holder := range maps.Clone(m.exclusive) {
		if holder == conn {
			delete(m.exclusive, name)
			m.orphans[0]++
		}
	}
	for name, holders := range m.shared {
		m.orphans[1] += number(holders[conn])
		delete(m.shared[name], conn)
	}
	lost := m.IntN(3)
	for i := len(m.h.Ops) - 2; i >= 0 && lost > 0; i-- {
		if op := &m.h.Ops[i]; op.Conn == conn {
			op.Answered, op.Value, op.Text, op.Return = false, 0, "", end.Return
			lost--
		}
	}
	if i := m.IntN(len(m.h.Ops)); m.h.Ops[i].Conn == conn && m.h.Ops[i].Command != End { // in the middle
		op := &m.h.Ops[i]
		op.Answered, op.Value, op.Text, op.Return = false, 0, "", end.Return
	}
	for range m.IntN(2) { // never executed
		op := Operation{Conn: conn, Seq: end.Seq, Command: []string{Get, Release, GetShared}[m.IntN(3)], Name: "x"}
		op.Call, op.Return = max(end.Call-2, 0), end.Return
		m.h.Ops = append(m.h.Ops, op)
		m.h.Ops[slices.IndexFunc(m.h.Ops, func(o Operation) bool { return o.Conn == conn && o.Command == End })].Seq++
	}
}

// TestStepsAreSound checks that no step of Shrink makes a linearizable history
// non-linearizable.
func TestStepsAreSound(t *testing.T) {
	steps := map[string]int{}
	rare := []uint64{1672, 5129} // answers follow unanswered operations
	for seed := range uint64(500 + len(rare)) {
		if seed >= 500 {
			seed = rare[seed-500]
		}
		h := makeHistory(seed, []int64{4, 1000}[seed%2])
		if err := h.Check(); err != nil {
			t.Fatalf("seed %d: the generated history is not linearizable: %v", seed, err)
		}
		try := func(step string, rest *History) {
			steps[step]++
			if err := rest.Check(); err != nil {
				t.Errorf("seed %d: %s makes a violation: %v\nof %s\nis    %s", seed, step, err, h.lines(), rest.lines())
			}
		}
		idle := h.idle()
		for _, i := range idle {
			try("idle", h.without([]int{i}))
		}
		try("all idle", h.without(idle))
		for _, quiet := range []*History{h, h.without(idle)} {
			for name, candidates := range map[string][][]int{"groups": quiet.groups(), "unanswered": quiet.unanswered(), "pairs": quiet.pairs()} {
				for _, places := range candidates {
					try(name, quiet.without(places))
				}
			}
		}
		for _, op := range h.Ops {
			try("until", h.until(op.Return))
		}
		for _, p := range h.parts() {
			try("restrict", h.restrict(p))
		}
		if t.Failed() {
			return
		}
	}
	for _, step := range []string{"idle", "groups", "unanswered", "pairs", "until", "restrict"} {
		if steps[step] < 200 {
			t.Errorf("%s was tried only %d times", step, steps[step])
		}
	}
}

// TestShrink checks that the same part stays violated, and that all operations are from
// the original history.
func TestShrink(t *testing.T) {
	shrunk := 0
	for seed := range uint64(400) {
		h := makeHistory(seed, 100_000)
		op := &h.Ops[int(seed)%len(h.Ops)]
		if !op.Answered || op.Text != "" {
			continue
		}
		op.Value ^= 1
		var v *Violation
		if !errors.As(h.Check(), &v) {
			continue
		}
		small := v.Shrink(10 * time.Second)
		var again *Violation
		if !errors.As(small.Check(), &again) || again.Part != v.Part {
			t.Fatalf("seed %d: %v became %v:\n%s", seed, v, again, small.lines())
		}
		for _, op := range small.Ops {
			if !slices.ContainsFunc(h.Ops, func(o Operation) bool {
				return o.Conn == op.Conn && o.Seq == op.Seq && o.Command == op.Command && o.Name == op.Name
			}) {
				t.Errorf("seed %d: %+v is not in the original", seed, op)
			}
		}
		if text := again.Verdict(); !strings.HasPrefix(text, "Nothing explains that connection ") {
			t.Errorf("seed %d: the verdict is %q", seed, text)
		}
		shrunk++
	}
	if shrunk < 100 {
		t.Errorf("only %d histories were shrunk", shrunk)
	}
}

// TestShrinkSaved checks that histories of wrong servers shrink to a few operations.
func TestShrinkSaved(t *testing.T) {
	paths, err := filepath.Glob("testdata/violations/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		h, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		var v *Violation
		if !errors.As(h.Check(), &v) {
			t.Fatalf("%s passed", path)
		}
		small := v.Shrink(10 * time.Second)
		if len(small.Ops) > len(h.Ops)/2 {
			t.Errorf("%s: %d operations shrank to %d:\n%s", path, len(h.Ops), len(small.Ops), small.lines())
		}
		t.Logf("%s: %d operations to %d\n%s\n%s", path, len(h.Ops), len(small.Ops), v.Verdict(), small.lines())
	}
}

// lines formats a history.
func (h *History) lines() string {
	return strings.Join(h.Lines(), "\n")
}
