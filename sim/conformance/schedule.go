package conformance

import (
	"cmp"
	"fmt"
	"slices"

	"lockd/sim/conformance/report"
	"lockd/sim/conformance/script"
)

// job is a case on an endpoint. It has the endpoint's index, since a server that is
// restarted may have other addresses.
type job struct {
	c  *script.Case
	on int
}

// runAll runs every case on every endpoint: first the concurrent ones, then those that
// must run alone.
func (s *suite) runAll(cases []*script.Case) {
	var together, alone []job
	for on := range s.server.Endpoints {
		for _, c := range cases {
			j := job{c, on}
			if reason := s.unmet(c, s.server.Endpoints[on]); reason != "" {
				s.results[j] = s.result(j, report.Skipped, reason)
			} else if c.Alone() || s.opts.Parallel == 1 {
				alone = append(alone, j)
			} else {
				together = append(together, j)
			}
		}
	}
	slices.SortStableFunc(alone, func(a, b job) int { return cmp.Compare(order(a.c), order(b.c)) })
	s.runTogether(together)
	var before suspects
	for _, j := range alone {
		if s.died != nil || s.ctx.Err() != nil {
			break
		}
		s.blameEarlier(&before)
		s.runNext(j, &before)
	}
	s.blameEarlier(&before)
	for _, j := range append(together, alone...) {
		if _, known := s.results[j]; !known {
			reason := "interrupted"
			if s.died != nil {
				reason = "the server died"
			}
			s.results[j] = s.result(j, report.NotRun, reason)
		}
	}
}

// order is the sort key of the cases that run alone.
func order(c *script.Case) int {
	if c.HasAny("last") {
		return 1
	}
	return 0
}

// finish records a result.
func (s *suite) finish(j job, r report.Result) {
	if s.ctx.Err() != nil && r.Status == report.Failed {
		return // the case may have failed because it was interrupted
	}
	s.results[j] = r
	if s.opts.Progress != nil {
		s.opts.Progress(r)
	}
}

// runTogether runs jobs concurrently. If the server crashes it finds the case that caused
// it, and continues with the remaining jobs.
func (s *suite) runTogether(jobs []job) {
	for len(jobs) > 0 && s.died == nil && s.ctx.Err() == nil {
		crash, who := s.batch(jobs)
		if crash == nil {
			return
		}
		s.blame(crash, who.list())
		jobs = slices.DeleteFunc(slices.Clone(jobs), func(j job) bool { _, known := s.results[j]; return known })
	}
}

// runNext runs the next of the jobs that run alone.
func (s *suite) runNext(j job, before *suspects) {
	before.began(j)
	result, crash := s.runAlone(j)
	if crash == nil {
		before.finished(j)
		s.finish(j, result)
		return
	}
	who := before.list()
	*before = suspects{}
	s.blame(crash, who)
}

// runAlone runs a job while no other runs. It returns the crash of the server during the
// job, if any. If the server cannot be started it sets s.died.
func (s *suite) runAlone(j job) (report.Result, *report.Crash) {
	if s.opts.Start != nil && (s.instance == nil || j.c.HasAny("fresh")) {
		if err := s.restart(); err != nil {
			s.died = err
			return s.result(j, report.NotRun, err.Error()), nil
		}
	}
	on := s.server.Endpoints[j.on]
	if j.c.HasAny("empty", "alone", "last", "max-connections", "max-locks") {
		held := s.settle(on)
		if held > 0 && j.c.HasAny("empty", "max-locks") {
			if s.opts.Start == nil {
				return s.result(j, report.Skipped, fmt.Sprintf("needs empty tables, and %d names are held", held)), nil
			}
			if err := s.restart(); err != nil {
				s.died = err
				return s.result(j, report.NotRun, err.Error()), nil
			}
		}
	}
	result := s.runCase(j)
	if j.c.HasAny("stop") {
		s.stop()
		return result, nil
	}
	if s.instance.HasExited(0) {
		return result, s.crash(byExit)
	}
	if result.Status == report.Failed {
		return result, s.ended(s.server.Endpoints[j.on])
	}
	return result, nil
}
