package lock

import (
	"container/heap"
	"maps"
	"slices"
)

// bounds are the bounds of the holders of one shared lock that have one. Nearly always
// all are the same. The zero value is empty.
type bounds struct {
	bound, holders int32 // while all are the same
	different      *differentBounds
}

// differentBounds keeps the smallest bound at hand: finding it takes constant time,
// changes take time that is logarithmic in the number of different bounds.
type differentBounds struct {
	heap    boundHeap       // bounds, some of which may have no holder any more
	holders map[int32]int32 // by bound, never 0
}

// smallest returns the smallest bound, and whether there is one.
func (b *bounds) smallest() (int32, bool) {
	if b.different != nil {
		return b.different.heap[0], true
	}
	return b.bound, b.holders > 0
}

// add adds a holder with a bound, which is above 0.
func (b *bounds) add(bound int32) {
	switch {
	case b.different != nil:
		b.different.add(bound, 1)
	case b.holders == 0 || b.bound == bound:
		b.bound = bound
		b.holders++
	default:
		b.different = &differentBounds{holders: make(map[int32]int32)}
		b.different.add(b.bound, b.holders)
		b.different.add(bound, 1)
		b.holders = 0
	}
}

// remove removes a holder with a bound.
func (b *bounds) remove(bound int32) {
	if b.different == nil {
		b.holders--
		return
	}
	if b.different.remove(bound); len(b.different.holders) == 0 {
		b.different = nil
	}
}

func (d *differentBounds) add(bound, holders int32) {
	if d.holders[bound] == 0 {
		heap.Push(&d.heap, bound)
	}
	d.holders[bound] += holders
	if len(d.heap) > 2*len(d.holders)+staleBounds {
		d.heap = slices.Sorted(maps.Keys(d.holders))
	}
}

// staleBounds is how many entries without a holder the heap of a few bounds may have.
const staleBounds = 16

func (d *differentBounds) remove(bound int32) {
	if d.holders[bound]--; d.holders[bound] == 0 {
		delete(d.holders, bound)
	}
	for len(d.heap) > 0 && d.holders[d.heap[0]] == 0 {
		heap.Pop(&d.heap)
	}
}

// boundHeap is a heap.Interface, the smallest bound first.
type boundHeap []int32

func (h boundHeap) Len() int           { return len(h) }
func (h boundHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h boundHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *boundHeap) Push(bound any) { *h = append(*h, bound.(int32)) }

// Pop implements heap.Interface.
func (h *boundHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
