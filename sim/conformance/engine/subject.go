package engine

import (
	"context"
	"time"

	"lockd/sim/conformance/report"
	"lockd/sim/transport"
)

// Subject is the server that is judged, and what is known about it.
type Subject struct {
	report.Profile
	Timeout        time.Duration         // of one answer
	MaxLine        int                   // bytes
	MaxConnections int                   // 0: unknown
	MaxLocks       int                   // 0: unknown
	Stop           func(context.Context) // ends the server in order; nil if the suite cannot
}

// loses says whether the server loses commands that arrive together over a transport.
// It is to fail the cases about that, and no others.
func (s *Subject) loses(on transport.Endpoint) bool { return s.Loses[on.Transport] }
