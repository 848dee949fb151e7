package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what was measured.
type Result struct {
	Commands int64 // answered
	Yes      int64 // of these: what was acquired, released, or is held
	Elapsed  time.Duration
	// Latency is of commands, in nanoseconds: from when it was sent, or was due if there is
	// a rate, to its reply.
	Latency *hdrhistogram.Histogram
}

// PerSecond returns the rate of commands.
func (r Result) PerSecond() float64 { return float64(r.Commands) / r.Elapsed.Seconds() }

// Quantile returns the latency that a percentage of the commands do not exceed.
func (r Result) Quantile(percent float64) time.Duration {
	return time.Duration(r.Latency.ValueAtQuantile(percent))
}

// Worst returns the longest latency.
func (r Result) Worst() time.Duration { return time.Duration(r.Latency.Max()) }

// longest is the longest latency that is told apart from longer ones.
const longest = time.Minute

// newLatency returns an empty histogram, exact to a thousandth.
func newLatency() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(longest), 3)
}
