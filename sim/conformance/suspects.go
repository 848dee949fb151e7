package conformance

import (
	"slices"
	"time"
)

// suspects are the cases that may have crashed the server: those under way, and those
// that ended shortly before.
type suspects struct {
	jobs []suspect
}

type suspect struct {
	job
	ended time.Time // zero while it is under way
}

func (s *suspects) began(j job) { s.jobs = append(s.jobs, suspect{job: j}) }

func (s *suspects) finished(j job) {
	now := time.Now()
	s.jobs = slices.DeleteFunc(s.jobs, func(x suspect) bool {
		return !x.ended.IsZero() && now.Sub(x.ended) > 2*crashDelay
	})
	for i, x := range s.jobs {
		if x.job == j && x.ended.IsZero() {
			s.jobs[i].ended = now
		}
	}
}

// list returns up to mostSuspects jobs: those under way, then the others, the latest
// first.
func (s *suspects) list() []job {
	slices.SortStableFunc(s.jobs, func(a, b suspect) int {
		if a.ended.IsZero() || b.ended.IsZero() {
			return a.ended.Compare(b.ended)
		}
		return b.ended.Compare(a.ended)
	})
	var jobs []job
	for _, x := range s.jobs[:min(len(s.jobs), mostSuspects)] {
		jobs = append(jobs, x.job)
	}
	return jobs
}
