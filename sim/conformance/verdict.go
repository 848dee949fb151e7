package conformance

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Verdict is the whole report on one line.
func (r *Report) Verdict() string {
	var parts []string
	for _, t := range r.Tallies() {
		parts = append(parts, t.Level.String()+": "+t.Verdict())
	}
	if skipped := r.reasons(); skipped != "" {
		parts = append(parts, skipped)
	}
	return strings.Join(parts, "; ")
}

// reasons says how many results were skipped, and the most frequent reasons.
func (r *Report) reasons() string {
	counts := map[string]int{}
	var reasons []string
	skipped := r.Of(Skipped)
	for _, result := range skipped {
		if counts[result.Reason]++; counts[result.Reason] == 1 {
			reasons = append(reasons, result.Reason)
		}
	}
	if len(skipped) == 0 {
		return ""
	}
	slices.SortStableFunc(reasons, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	const most = 3
	var shown []string
	for i, reason := range reasons {
		if i == most {
			shown = append(shown, "...")
			break
		}
		shown = append(shown, fmt.Sprintf("%d %s", counts[reason], reason))
	}
	return fmt.Sprintf("%d skipped (%s)", len(skipped), strings.Join(shown, ", "))
}

// simplest returns up to three failed cases to begin with, none for few: a crash, or
// those of the lowest level; of them those of clauses that fail as a whole come first,
// as a defect elsewhere would spare some, then those with the shortest scripts.
func (r *Report) simplest() []Result {
	const some, few = 3, 4
	failed := r.Of(Failed)
	if len(failed) < few {
		return nil
	}
	spared := map[string]int{} // passed cases, by clause
	for _, result := range r.Of(Passed) {
		spared[result.Cited[0].ID]++
	}
	slices.SortStableFunc(failed, func(a, b Result) int {
		return cmp.Or(
			cmp.Compare(bit(!a.Crash), bit(!b.Crash)),
			cmp.Compare(a.level(), b.level()),
			cmp.Compare(min(spared[a.Cited[0].ID], 1), min(spared[b.Cited[0].ID], 1)),
			cmp.Compare(a.size(), b.size()),
		)
	})
	failed = slices.CompactFunc(failed, func(a, b Result) bool { return a.Case == b.Case })
	return failed[:min(some, len(failed))]
}

// beginning says what simplest returns.
func (r *Report) beginning() string {
	if len(r.Crashes) > 0 {
		return "the crash"
	}
	return "what is simplest"
}

// size is how much a case does: its steps, where a scenario and a repetition are
// many, and every clause counts too.
func (c *Case) size() int {
	const many = 30
	n := len(c.steps) + 5*len(c.Clauses)
	for _, s := range c.steps {
		if s.verb == "go" || s.verb == ">times" {
			n += many
		}
	}
	return n
}

// groups are the failed results, a crash and those of core first, and of each what seems to have
// one cause together: the same case on other transports, and cases that ask the same
// and get the same instead of the same.
func (r *Report) groups() [][]Result {
	failed := r.Of(Failed)
	slices.SortStableFunc(failed, func(a, b Result) int {
		return cmp.Or(cmp.Compare(bit(!a.Crash), bit(!b.Crash)), cmp.Compare(a.level(), b.level()))
	})
	var groups [][]Result
	place := map[string]int{}
	for _, result := range failed {
		at, known := place[result.ID]
		if !known {
			at, known = place[result.cause()]
		}
		if !known {
			at = len(groups)
			groups = append(groups, nil)
			place[result.cause()] = at
		}
		place[result.ID] = at
		groups[at] = append(groups[at], result)
	}
	return groups
}

var (
	// names are those of cases, which end in a tag; numbers are counts, times and ports.
	names   = regexp.MustCompile(`[A-Za-z0-9]*-[0-9a-z]{7}`)
	numbers = regexp.MustCompile(`[0-9]+(\.[0-9]+)?`)
)

// cause is equal where the cause is likely to be the same.
func (r *Result) cause() string {
	if r.Crash {
		return "crash"
	}
	text := r.Failure.Asked + "\x00" + r.Failure.Expected + "\x00" + r.Failure.Actual
	return numbers.ReplaceAllString(names.ReplaceAllString(text, "NAME"), "N")
}

// Often is what servers usually do wrong that fail here: nothing, if the case failed
// before it came to what it is about.
func (r *Result) Often() string {
	if r.Crash || r.Failure == nil {
		return ""
	}
	for _, s := range r.steps[:r.preparation()] {
		if s.at == r.Failure.At {
			return ""
		}
	}
	return r.Hint
}

// preparation is how many steps acquire what the case needs, before what it is about.
func (c *Case) preparation() int {
	if strings.HasPrefix(c.Clauses[0].ID, "GET-") || strings.HasPrefix(c.Clauses[0].ID, "SGET-") {
		return 0
	}
	n := slices.IndexFunc(c.steps, func(s step) bool {
		word, _, _ := strings.Cut(s.arg, " ")
		switch s.verb {
		case "open":
			return false
		case ">":
			return word != "g" && word != "sg" && word != "iam"
		case "<":
			return s.arg != "yes" && s.arg != "1"
		}
		return true
	})
	return max(n, 0)
}
