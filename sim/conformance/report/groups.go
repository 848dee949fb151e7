package report

import (
	"cmp"
	"regexp"
	"slices"
)

// groups are the failed results, crashes and those of core first. Those that seem to have
// one cause stand together: the same case on other transports, and cases that expect the
// same in answer to the same, and get the same.
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
			cmp.Compare(a.rank(), b.rank()),
			cmp.Compare(min(spared[a.Cited[0].ID], 1), min(spared[b.Cited[0].ID], 1)),
			cmp.Compare(a.Size(), b.Size()),
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
