package conformance

import (
	"sync"
	"sync/atomic"

	"lockd/sim/conformance/report"
)

// batch is jobs that run concurrently, until the server crashes.
type batch struct {
	suite   *suite
	stopped atomic.Bool

	mu    sync.Mutex // guards who and crash, and the suite's results
	who   suspects
	crash *report.Crash
}

// batch runs jobs concurrently. It returns the crash that ended the batch, if any, and
// the jobs that may have caused it.
func (s *suite) batch(jobs []job) (*report.Crash, *suspects) {
	b := batch{suite: s}
	var workers sync.WaitGroup
	queue := make(chan job)
	for range s.opts.Parallel {
		workers.Go(func() {
			for j := range queue {
				b.run(j)
			}
		})
	}
	for _, j := range jobs {
		if b.stopped.Load() || s.ctx.Err() != nil || s.instance.HasExited(0) {
			break
		}
		queue <- j
	}
	close(queue)
	workers.Wait()
	if b.crash == nil && s.instance.HasExited(0) {
		b.crash = s.crash(byExit)
	}
	return b.crash, &b.who
}

// run runs one job, and records its result unless that may be a consequence of a crash.
func (b *batch) run(j job) {
	b.mu.Lock()
	b.who.began(j)
	b.mu.Unlock()
	result := b.suite.runCase(j)
	var ended *report.Crash
	if result.Status == report.Failed && !b.stopped.Load() {
		if ended = b.suite.ended(b.suite.server.Endpoints[j.on]); ended != nil {
			b.stopped.Store(true)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.crash == nil {
		b.crash = ended
	}
	if b.crash != nil && result.Status == report.Failed {
		return // the job has caused the crash, or failed because of it
	}
	b.who.finished(j)
	b.suite.finish(j, result)
}
