package web

import (
	"slices"
	"time"
)

// best keeps the first so many rows of an order.
type best struct {
	most   int
	before func(a, b *row) bool
	rows   []row
	sorted bool // rows has most rows, in order: what is not before the last is not kept
}

func newBest(most int, before func(a, b *row) bool) *best {
	return &best{most: most, before: before}
}

func (b *best) add(r *row) {
	if b.sorted && !b.before(r, &b.rows[b.most-1]) {
		return
	}
	b.rows = append(b.rows, *r)
	if len(b.rows) >= 2*b.most {
		b.cut()
	}
}

// cut sorts, and forgets what is behind the most.
func (b *best) cut() {
	slices.SortFunc(b.rows, func(x, y row) int {
		switch {
		case b.before(&x, &y):
			return -1
		case b.before(&y, &x):
			return 1
		}
		return 0
	})
	clear(b.rows[min(b.most, len(b.rows)):])
	b.rows = b.rows[:min(b.most, len(b.rows))]
	b.sorted = len(b.rows) == b.most
}

// page returns the rows of a page, as they are shown.
func (b *best) page(n int) []row {
	b.cut()
	from := (n - 1) * pageRows
	rows := slices.Clone(b.rows[min(from, len(b.rows)):min(from+pageRows, len(b.rows))])
	for i := range rows {
		r := &rows[i]
		r.Lock, r.name = shown(r.name), ""
		r.Client = shown(r.Client)
		if r.since > 0 {
			r.Since = time.UnixMilli(r.since.Millisecond())
		}
	}
	return rows
}
