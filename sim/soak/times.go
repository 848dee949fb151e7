package soak

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Waits are the times that were measured.
type Waits struct {
	Answers Times // to commands that the server can answer at once
	Grants  Times // from the release of a lock to the grant to who waits for it
	Lists   Times // to l and lw, for which clients may have to stand in line
	// Checker is by how much this process woke up too late: what it, or the machine, adds
	// to the other times.
	Checker Times
}

// Times is a histogram of times. The zero Times is empty; it is safe for concurrent use.
type Times struct {
	mu   sync.Mutex
	hist *hdrhistogram.Histogram // of microseconds; nil: empty
}

// longest is the longest time that a histogram distinguishes.
const longest = time.Hour

// add adds a time.
func (t *Times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hist == nil {
		t.hist = hdrhistogram.New(1, longest.Microseconds(), 3)
	}
	t.hist.RecordValue(min(max(d, 0), longest).Microseconds())
}

// Count returns how many times there are.
func (t *Times) Count() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hist == nil {
		return 0
	}
	return t.hist.TotalCount()
}

// Percentile returns the time that this percentage of all times does not exceed; 100 is
// the longest. It is exact to a thousandth.
func (t *Times) Percentile(percent float64) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hist == nil {
		return 0
	}
	return time.Duration(t.hist.ValueAtPercentile(percent)) * time.Microsecond
}

// String returns the percentiles that matter.
func (t *Times) String() string {
	return fmt.Sprintf("p50 %s, p99 %s, p99.9 %s, longest %s", ms(t.Percentile(50)), ms(t.Percentile(99)), ms(t.Percentile(99.9)), ms(t.Percentile(100)))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// watch measures by how much a sleep lasts too long, until ctx ends.
func (t *Times) watch(ctx context.Context) {
	const nap = 5 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		time.Sleep(nap)
		t.add(time.Since(began) - nap)
	}
}
