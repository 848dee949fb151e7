package core

import "math"

// Time is a moment, in nanoseconds since 1970 on a clock that never goes back,
// or the span between two moments. Callers pass the current time; this package
// reads no clock.
type Time int64

// Spans.
const (
	Millisecond Time = 1e6
	Second           = 1000 * Millisecond
)

// Never is later than any other moment.
const Never Time = math.MaxInt64
