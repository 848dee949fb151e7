package report

import (
	"cmp"
	"regexp"
	"slices"
)

// groups returns the failed results: first crashes, then by level, core first. A group has
// the results that seem to have one cause: the same case on other transports, and cases
// with the same request, expectation and reply.
func (r *Report) groups() [][]Result {
	failed := r.Of(Failed)
	slices.SortStableFunc(failed, func(a, b Result) int {
		return cmp.Compare(a.rank(), b.rank())
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
	// names matches names of cases, which end in a tag; numbers matches counts, times and
	// ports.
	names   = regexp.MustCompile(`[A-Za-z0-9]*-[0-9a-z]{7}`)
	numbers = regexp.MustCompile(`[0-9]+(\.[0-9]+)?`)
)

// cause returns a text that is equal for results that are likely to have the same cause.
func (r *Result) cause() string {
	if r.Crash {
		return "crash"
	}
	text := r.Failure.Asked + "\x00" + r.Failure.Expected + "\x00" + r.Failure.Actual
	return numbers.ReplaceAllString(names.ReplaceAllString(text, "NAME"), "N")
}

// simplest returns up to three failed cases to begin with, and none if few have failed.
// Crashes come first, then the lowest level. Within a level those of clauses without any
// passed case come first, since a defect elsewhere would not fail all cases of a clause,
// and then those with the shortest scripts.
func (r *Report) simplest() []Result {
	const some, few = 3, 4
	failed := r.Of(Failed)
	if len(failed) < few {
		return nil
	}
	passed := map[string]int{} // passed cases, by clause
	for _, result := range r.Of(Passed) {
		passed[result.Cited[0].ID]++
	}
	slices.SortStableFunc(failed, func(a, b Result) int {
		return cmp.Or(
			cmp.Compare(a.rank(), b.rank()),
			cmp.Compare(min(passed[a.Cited[0].ID], 1), min(passed[b.Cited[0].ID], 1)),
			cmp.Compare(a.Size(), b.Size()),
		)
	})
	failed = slices.CompactFunc(failed, func(a, b Result) bool { return a.Case == b.Case })
	return failed[:min(some, len(failed))]
}

// beginning describes what simplest returns.
func (r *Report) beginning() string {
	if len(r.Crashes) > 0 {
		return "the crash"
	}
	return "what is simplest"
}
