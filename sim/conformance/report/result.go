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
	NotRun  Status = "not run" // the server died before, or the run was interrupted
)

// Result is how one case ended on one transport.
type Result struct {
	*script.Case `json:"-"`
	On           transport.Endpoint
	Cited        []protocol.Clause // the clauses of the case that apply in the server's dialect
	Status       Status
	Reason       string // why it was skipped or not run, or a note on a failure
	Duration     time.Duration
	Failure      *Failure           // only if Status is Failed
	Conversation []transcript.Entry // only if Status is Failed
	Crash        bool               // the server crashed: a deviation from BAD-6, whatever the case tests
}

// level is the level of the deviation, if the result is one.
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

// Advice returns the hint of the case, what servers that fail here usually do wrong. It is
// empty if the case crashed the server or failed in its preparation.
func (r *Result) Advice() string {
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
