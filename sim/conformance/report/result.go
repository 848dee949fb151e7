package report

import (
	"time"

	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/script"
	"lockd/sim/conformance/transcript"
	"lockd/sim/transport"
)

// Status is how a case ended.
type Status string

// The ways in which a case ends.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped" // does not apply to this server: neither passed nor failed
	NotRun  Status = "not run" // the server died before
)

// Result is how one case ended on one transport.
type Result struct {
	*script.Case `json:"-"`
	On           transport.Endpoint
	Cited        []protocol.Clause // the clauses of the case that hold in the server's dialect
	Status       Status
	Reason       string // why it was skipped, or what else is to be said
	Duration     time.Duration
	Failure      *Failure           // only where Status is Failed
	Conversation []transcript.Entry // likewise
	Crash        bool               // the server ended: a deviation from BAD-6, whatever the case is about
}

// level is that of the deviation, if it is one.
func (r *Result) level() protocol.Level {
	if r.Crash {
		return protocol.Core
	}
	return r.Level
}

// rank puts crashes before the deviations of any level.
func (r *Result) rank() int {
	if r.Crash {
		return -1
	}
	return int(r.Level)
}

// Often is what servers usually do wrong that fail here: nothing, if the case failed
// before it came to what it is about.
func (r *Result) Often() string {
	if r.Crash || r.Failure == nil {
		return ""
	}
	for _, s := range r.Preparation() {
		if s.At == r.Failure.At {
			return ""
		}
	}
	return r.Hint
}
