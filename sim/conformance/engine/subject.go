package engine

import (
	"context"
	"time"

	"lockd/sim/conformance/report"
	"lockd/sim/transport"
)

// Subject is the server under test, and what is known about it.
type Subject struct {
	report.Profile
	Timeout        time.Duration         // of one answer
	MaxLine        int                   // bytes
	MaxConnections int                   // 0: unknown
	MaxLocks       int                   // 0: unknown
	Stop           func(context.Context) // stops the server gracefully; nil if the suite cannot
}

// loses reports whether the server loses commands that arrive together over a transport.
// Only the cases about that must fail because of it.
func (s *Subject) loses(on transport.Endpoint) bool { return s.Loses[on.Transport] }
