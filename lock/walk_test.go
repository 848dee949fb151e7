package lock

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// visited writes down what a Walk sees.
type visited []string

func (v *visited) Conn(id Conn, holdings int, wait *Waiter, queue int) {
	line := fmt.Sprintf("conn %d holds %d", id, holdings)
	if wait != nil {
		line += fmt.Sprintf(", waits for %v behind %d", wait.Lock, queue-1)
	}
	*v = append(*v, line)
}

func (v *visited) Holding(h Holding) {
	*v = append(*v, fmt.Sprintf("%d %v bound %d waiters %d", h.Holder, h.Lock, h.Bound, h.Waiters))
}

func TestWalk(t *testing.T) {
	m := New(Options{})
	for id := range Conn(5) {
		m.Open(id + 1)
	}
	for i := range 4 {
		m.Get(1, fmt.Append(nil, "x", i))
	}
	m.GetShared(1, []byte("s"))
	m.GetBounded(2, []byte("b"), 1)
	m.GetBounded(3, []byte("b"), 1)
	m.WaitShared(3, []byte("b"), 1)
	m.Get(4, []byte("x2"))
	m.WaitExclusive(4, []byte("x2"))
	m.Close(5)
	want := visited{
		"conn 1 holds 5", "1 {false x0} bound 0 waiters 0", "1 {false x1} bound 0 waiters 0", "1 {false x2} bound 0 waiters 1",
		"1 {false x3} bound 0 waiters 0", "1 {true s} bound -1 waiters 0",
		"conn 2 holds 1", "2 {true b} bound 1 waiters 1",
		"conn 3 holds 0, waits for {true b} behind 0",
		"conn 4 holds 0, waits for {false x2} behind 0",
	}
	for most := 1; most < 15; most++ {
		var w Walk
		var got visited
		steps := 1
		for m.Walk(&w, most, &got) {
			steps++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pieces of %d (-want +got):\n%s", most, diff)
		}
		if steps < (len(want)+most-1)/most {
			t.Errorf("pieces of %d took %d steps", most, steps)
		}
	}
}

// TestWalkMeanwhile changes the machine between the pieces: what nothing happens to is
// seen once.
func TestWalkMeanwhile(t *testing.T) {
	m := New(Options{Piece: 10})
	for id := range Conn(40) {
		m.Open(id + 1)
		for i := range 30 {
			m.Get(id+1, fmt.Append(nil, id+1, "-", i))
		}
	}
	var w Walk
	var got visited
	for next := Conn(1); m.Walk(&w, 7, &got); next++ {
		if next%2 == 0 && next <= 40 {
			m.Close(next)
		}
		m.Open(1000 + next)
		m.Get(1000+next, fmt.Append(nil, "new", next))
	}
	if err := m.Valid(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if n := len(slices.Compact(slices.Clone(got))); n != len(got) {
		t.Errorf("%d of %d were seen twice", len(got)-n, len(got))
	}
	for id := Conn(1); id <= 40; id += 2 {
		for i := range 30 {
			want := fmt.Sprintf("%d {false %d-%d} bound 0 waiters 0", id, id, i)
			if _, found := slices.BinarySearch(got, want); !found {
				t.Errorf("missed: %s", want)
			}
		}
	}
}
