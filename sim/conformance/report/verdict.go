package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lockd/sim/conformance/protocol"
)

// Tally counts the results of one level.
type Tally struct {
	Level   protocol.Level `json:"level"`
	Passed  int            `json:"passed"`
	Failed  int            `json:"failed"`
	Skipped int            `json:"skipped"`
	NotRun  int            `json:"not_run"`
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

// Tallies returns one tally for each level, up to the level that was tested.
func (r *Report) Tallies() []Tally {
	tallies := make([]Tally, r.Level+1)
	for i := range tallies {
		tallies[i].Level = protocol.Level(i)
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

// Conforms reports whether the server conforms at the level that was tested and at those
// below it: no case failed, all were run or skipped, and at least one passed.
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

// Verdict returns the whole report on one line.
func (r *Report) Verdict() string {
	var parts []string
	for _, t := range r.Tallies() {
		verdict := t.Verdict()
		if t.Level == protocol.Extended && !r.Server.Extended && t.Failed == 0 {
			verdict = "absent"
		}
		parts = append(parts, t.Level.String()+": "+verdict)
	}
	if skipped := len(r.Of(Skipped)); skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped (%s)", skipped, r.commonReasons()))
	}
	return strings.Join(parts, "; ")
}

// reason is a reason for skipping, and how many cases have it.
type reason struct {
	text  string
	count int
}

// reasons returns all reasons for skipping, in the order of the results.
func (r *Report) reasons() []reason {
	var reasons []reason
	for _, result := range r.Of(Skipped) {
		i := slices.IndexFunc(reasons, func(x reason) bool { return x.text == result.Reason })
		if i < 0 {
			i, reasons = len(reasons), append(reasons, reason{text: result.Reason})
		}
		reasons[i].count++
	}
	return reasons
}

// commonReasons returns the most frequent reasons as text.
func (r *Report) commonReasons() string {
	reasons := r.reasons()
	slices.SortStableFunc(reasons, func(a, b reason) int { return cmp.Compare(b.count, a.count) })
	const most = 3
	var shown []string
	for i, x := range reasons {
		if i == most {
			shown = append(shown, "...")
			break
		}
		shown = append(shown, fmt.Sprintf("%d %s", x.count, x.text))
	}
	return strings.Join(shown, ", ")
}
