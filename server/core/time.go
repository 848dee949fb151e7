package core

import "math"

// Time is a moment, in nanoseconds since 1970 on a clock that never goes back,
// or the span between two moments. Whoever calls says what time it is; nothing
// here asks.
type Time int64

// Spans.
const (
	Millisecond Time = 1e6
	Second           = 1000 * Millisecond
)

// Never is a moment that does not come.
const Never Time = math.MaxInt64
