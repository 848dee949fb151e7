package core

import "slices"

// Histogram counts values by size. Make one with NewHistogram.
type Histogram struct {
	Bounds []int64  // the largest value of each bucket, ascending; must not be changed
	Counts []uint64 // the values in each bucket, and one more count for those beyond
	Sum    int64    // of all values
}

// NewHistogram returns a Histogram without values, with a bucket for each bound and one
// for what is beyond.
func NewHistogram(bounds ...int64) Histogram {
	return Histogram{Bounds: bounds, Counts: make([]uint64, len(bounds)+1)}
}

// Add counts a value.
func (h *Histogram) Add(value int64) {
	at, _ := slices.BinarySearch(h.Bounds, value)
	h.Counts[at]++
	h.Sum += value
}

// Clone returns a copy.
func (h Histogram) Clone() Histogram {
	h.Counts = slices.Clone(h.Counts)
	return h
}

// Count returns the number of all values.
func (h Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}
