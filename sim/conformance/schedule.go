package conformance

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// job is a case on an endpoint, by the endpoint's index: a server that is
// started again may have moved.
type job struct {
	c  *Case
	on int
}

// runAll runs every case on every endpoint: first those that run side by
// side, then those that must be alone.
func (s *Suite) runAll(cases []*Case) {
	var together, alone []job
	for on := range s.server.Endpoints {
		for _, c := range cases {
			j := job{c, on}
			if reason := s.unmet(c, on); reason != "" {
				s.results[j] = s.result(j, Skipped, reason)
			} else if c.alone() || s.opts.Parallel == 1 {
				alone = append(alone, j)
			} else {
				together = append(together, j)
			}
		}
	}
	slices.SortStableFunc(alone, func(a, b job) int { return cmp.Compare(a.c.turn(), b.c.turn()) })
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
			s.results[j] = s.result(j, NotRun, reason)
		}
	}
}

// finish keeps a result.
func (s *Suite) finish(j job, r Result) {
	if s.ctx.Err() != nil && r.Status == Failed {
		return // because of that
	}
	s.results[j] = r
	if s.opts.Progress != nil {
		s.opts.Progress(r)
	}
}

// runTogether runs jobs side by side. When the server ends, who did it is looked for,
// and the rest goes on.
func (s *Suite) runTogether(jobs []job) {
	for len(jobs) > 0 && s.died == nil && s.ctx.Err() == nil {
		crash, who := s.batch(jobs)
		if crash == nil {
			return
		}
		s.blame(crash, who.list())
		jobs = slices.DeleteFunc(slices.Clone(jobs), func(j job) bool { _, known := s.results[j]; return known })
	}
}

// batch runs jobs side by side until the server ends.
func (s *Suite) batch(jobs []job) (*Crash, *suspects) {
	var (
		mu      sync.Mutex
		who     suspects
		crash   *Crash
		stopped atomic.Bool
		workers sync.WaitGroup
	)
	queue := make(chan job)
	work := func(j job) {
		mu.Lock()
		who.began(j)
		mu.Unlock()
		result := s.runCase(j)
		var ended *Crash
		if result.Status == Failed && !stopped.Load() {
			if ended = s.ended(s.server.Endpoints[j.on]); ended != nil {
				stopped.Store(true)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if crash == nil {
			crash = ended
		}
		if crash != nil && result.Status == Failed {
			return // it is a suspect, or a victim
		}
		who.finished(j)
		s.finish(j, result)
	}
	for range s.opts.Parallel {
		workers.Go(func() {
			for j := range queue {
				work(j)
			}
		})
	}
	for _, j := range jobs {
		if stopped.Load() || s.ctx.Err() != nil || s.exited() {
			break
		}
		queue <- j
	}
	close(queue)
	workers.Wait()
	if crash == nil && s.exited() {
		crash = s.crash("its process has ended")
	}
	return crash, &who
}

// exited says whether the process that the suite has started has ended.
func (s *Suite) exited() bool {
	if s.instance == nil || s.instance.Exited == nil {
		return false
	}
	select {
	case <-s.instance.Exited:
		return true
	default:
		return false
	}
}

// blame finds out which of the cases that may have done it has ended the server, by
// running each alone, the others of which get the results that they have then. Where
// none does it again, it is all that were under way, or the latest that was. Without a
// way to start the server again, nothing more is run.
func (s *Suite) blame(crash *Crash, who []job) {
	for _, j := range who {
		crash.During = append(crash.During, j.c.ID)
	}
	s.crashes = append(s.crashes, crash)
	s.stop()
	if s.opts.Start == nil {
		s.died = crash
		for _, j := range underWay(who, s.results) {
			s.finish(j, s.crashed(j, crash, nil))
		}
		return
	}
	suspected := underWay(who, s.results)
	if !s.again(who) {
		for _, j := range suspected {
			s.finish(j, s.crashed(j, crash, nil))
		}
		return
	}
	again := false
	for _, j := range who {
		if s.died != nil || s.ctx.Err() != nil {
			return
		}
		result, own := s.runAlone(j)
		if own == nil && s.instance != nil {
			select { // it may take a moment
			case <-s.instance.Exited:
				own = s.crash("its process has ended")
			case <-time.After(crashDelay):
			}
		}
		if own != nil {
			again = true
			own.During = []string{j.c.ID}
			s.stop()
			result = s.crashed(j, own, result.Conversation)
		}
		if _, known := s.results[j]; !known || own != nil {
			s.finish(j, result)
		}
	}
	if !again {
		for _, j := range suspected {
			s.finish(j, s.crashed(j, crash, nil))
		}
	}
}

// fewSuspects are run one by one at once.
const fewSuspects = 4

// again says whether many suspects, side by side on a server of their own, end that
// too. Those that have no result get one.
func (s *Suite) again(who []job) bool {
	if len(who) <= fewSuspects {
		return true
	}
	if err := s.restart(); err != nil {
		s.died = err
		return false
	}
	crash, _ := s.batch(who)
	if crash == nil && s.instance.Exited != nil {
		select { // it may take a moment
		case <-s.instance.Exited:
			crash = s.crash("its process has ended")
		case <-time.After(crashDelay):
		}
	}
	if crash != nil {
		s.stop()
	}
	return crash != nil
}

// underWay are those of the suspects that have no result, or the first of them.
func underWay(who []job, results map[job]Result) []job {
	var open []job
	for _, j := range who {
		if _, known := results[j]; !known {
			open = append(open, j)
		}
	}
	if open == nil && len(who) > 0 {
		return who[:1]
	}
	return open
}

// blameEarlier looks whether the server has ended since the last case did.
func (s *Suite) blameEarlier(before *suspects) {
	if s.exited() && s.died == nil && s.ctx.Err() == nil {
		who := before.list()
		*before = suspects{}
		s.blame(s.crash("its process has ended"), who)
	}
}

// runNext runs the next of the jobs that run alone.
func (s *Suite) runNext(j job, before *suspects) {
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

// runAlone runs a job while nothing else runs. The crash is that of the server
// meanwhile, or of one that cannot be started any more.
func (s *Suite) runAlone(j job) (Result, *Crash) {
	if s.opts.Start != nil && (s.instance == nil || j.c.needs("fresh")) {
		if err := s.restart(); err != nil {
			s.died = err
			return s.result(j, NotRun, err.Error()), nil
		}
	}
	on := s.server.Endpoints[j.on]
	if j.c.needs("empty", "alone", "last", "max-connections", "max-locks") {
		held := s.settle(on)
		if held > 0 && j.c.needs("empty", "max-locks") {
			if s.opts.Start == nil {
				return s.result(j, Skipped, fmt.Sprintf("needs empty tables, and somebody holds %d names", held)), nil
			}
			if err := s.restart(); err != nil {
				s.died = err
				return s.result(j, NotRun, err.Error()), nil
			}
		}
	}
	result := s.runCase(j)
	if j.c.needs("stop") {
		s.stop()
		return result, nil
	}
	if s.exited() {
		return result, s.crash("its process has ended")
	}
	if result.Status == Failed {
		return result, s.ended(s.server.Endpoints[j.on])
	}
	return result, nil
}
