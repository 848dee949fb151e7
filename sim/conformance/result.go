package conformance

import (
	"cmp"
	"fmt"
	"slices"
	"time"
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
	*Case        `json:"-"`
	On           Endpoint
	Cited        []Clause // the clauses of the case that hold in the server's dialect
	Status       Status
	Reason       string // why it was skipped, or what else is to be said
	Duration     time.Duration
	Failure      *Failure // only where Status is Failed
	Conversation []Event  // likewise
	Crash        bool     // the server ended: a deviation from BAD-6, whatever the case is about
}

// level is that of the deviation, if it is one.
func (r *Result) level() Level {
	if r.Crash {
		return Core
	}
	return r.Level
}

func (s *Suite) result(j job, status Status, reason string) Result {
	return Result{
		Case: j.c, On: s.server.Endpoints[j.on], Cited: j.c.clausesIn(s.server.Dialect),
		Status: status, Reason: reason,
	}
}

// Report is what a run of the suite found.
type Report struct {
	Server  Server
	Level   Level // that was asked for
	Started time.Time
	Took    time.Duration
	Results []Result // in the order of the clauses, then of the transports
	// Crashes are the times that the server ended by itself.
	Crashes []*Crash
	// Died says why the rest was not run; nil if all was, or the suite was
	// interrupted.
	Died error
}

func newReport(s *Suite, started time.Time) *Report {
	var results []Result
	for _, r := range s.results {
		results = append(results, r)
	}
	place := map[string]int{}
	for i, c := range Clauses() {
		place[c.ID] = i
	}
	at := func(r Result) int { return slices.Index(s.server.Endpoints, r.On) }
	slices.SortFunc(results, func(a, b Result) int {
		return cmp.Or(
			cmp.Compare(place[a.Cited[0].ID], place[b.Cited[0].ID]),
			cmp.Compare(a.ID, b.ID),
			cmp.Compare(at(a), at(b)),
		)
	})
	return &Report{s.server, s.opts.Level, started, time.Since(started), results, s.crashes, s.died}
}

// Tally counts the results of one level.
type Tally struct {
	Level   Level `json:"level"`
	Passed  int   `json:"passed"`
	Failed  int   `json:"failed"`
	Skipped int   `json:"skipped"`
	NotRun  int   `json:"not_run"`
}

// Verdict says in a few words whether the level conforms.
func (t Tally) Verdict() string {
	switch {
	case t.Failed == 1:
		return "1 deviation"
	case t.Failed > 1:
		return fmt.Sprintf("%d deviations", t.Failed)
	case t.NotRun > 0:
		return fmt.Sprintf("unknown, %d cases were not run", t.NotRun)
	case t.Passed == 0:
		return "not tested"
	}
	return "conforms"
}

// Tallies returns one tally a level, up to the level that was asked for.
func (r *Report) Tallies() []Tally {
	tallies := make([]Tally, r.Level+1)
	for i := range tallies {
		tallies[i].Level = Level(i)
	}
	for _, result := range r.Results {
		t := &tallies[result.level()]
		switch result.Status {
		case Passed:
			t.Passed++
		case Failed:
			t.Failed++
		case Skipped:
			t.Skipped++
		case NotRun:
			t.NotRun++
		}
	}
	return tallies
}

// Conforms says whether the server conforms at the level that was asked for
// and at those below it: nothing failed, everything was run, and something
// passed.
func (r *Report) Conforms() bool {
	passed := 0
	for _, t := range r.Tallies() {
		if t.Failed > 0 || t.NotRun > 0 {
			return false
		}
		passed += t.Passed
	}
	return passed > 0 && r.Died == nil && len(r.Crashes) == 0
}

// Of returns the results with that status, in order.
func (r *Report) Of(status Status) []Result {
	var some []Result
	for _, result := range r.Results {
		if result.Status == status {
			some = append(some, result)
		}
	}
	return some
}
