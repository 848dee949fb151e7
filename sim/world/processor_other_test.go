//go:build !unix

package world

import "time"

var started = time.Now()

// processorTime is the elapsed time, where the processor time is not available.
func processorTime() time.Duration { return time.Since(started) }
