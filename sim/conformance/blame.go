package conformance

import (
	"errors"
	"time"

	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/transcript"
	"lockd/sim/transport"
)

// A server that ends while it is judged has deviated from BAD-6, whatever else it
// does. Which case it was is found by running each that may have been it alone.

const (
	// crashDelay is how long after a case the server may still end because of it.
	crashDelay = 300 * time.Millisecond
	// mostSuspects bounds how many cases are run again to find it.
	mostSuspects = 40
	// crashClause is what a crash deviates from.
	crashClause = "BAD-6"
)

// crashed makes the result of a case that of a crash.
func (s *suite) crashed(j job, c *report.Crash, conversation []transcript.Entry) report.Result {
	result := s.result(j, report.Failed, "")
	result.Crash = true
	result.Cited = append([]protocol.Clause{protocol.Clauses()[protocol.Place(crashClause)]}, result.Cited...)
	actual := c.Error()
	if c.Output != "" {
		actual += "\nThe last that it wrote:\n" + c.Output
	}
	result.Failure = &report.Failure{Expected: "the server to go on serving", Actual: actual}
	result.Conversation = conversation
	return result
}

// byExit is how a crash was noticed that the process has told of.
const byExit = "its process has ended"

// ended says how the server has ended, nil if it serves. A server that the suite has
// started tells by its process; else one that nobody can connect to, or that does not
// answer, has ended.
func (s *suite) ended(on transport.Endpoint) *report.Crash {
	if s.instance.HasExited(0) {
		return s.crash(byExit)
	}
	err := s.alive(on)
	if err == nil {
		return nil
	}
	var unreachable *ErrUnreachable
	if errors.As(err, &unreachable) {
		err = unreachable.Err
	}
	return s.crash(err.Error())
}

// endsSoon is ended for a server that may take a moment to end.
func (s *suite) endsSoon() *report.Crash {
	if s.instance.HasExited(crashDelay) {
		return s.crash(byExit)
	}
	return nil
}

// crash is a crash of the server, which is given time to say all.
func (s *suite) crash(how string) *report.Crash {
	s.instance.HasExited(crashDelay)
	return &report.Crash{How: how, Output: s.instance.LastWords()}
}

// blame finds out which of the cases that may have done it has ended the server, by
// running each alone, the others of which get the results that they have then. Where
// none does it again, it is all that were under way, or the latest that was. Without a
// way to start the server again, nothing more is run.
func (s *suite) blame(crash *report.Crash, who []job) {
	for _, j := range who {
		crash.During = append(crash.During, j.c.ID)
	}
	s.crashes = append(s.crashes, crash)
	s.stop()
	suspected := underWay(who, s.results)
	all := func() {
		for _, j := range suspected {
			s.finish(j, s.crashed(j, crash, nil))
		}
	}
	if s.opts.Start == nil {
		s.died = crash
		all()
		return
	}
	if !s.again(who) {
		all()
		return
	}
	again := false
	for _, j := range who {
		if s.died != nil || s.ctx.Err() != nil {
			return
		}
		result, own := s.runAlone(j)
		if own == nil {
			own = s.endsSoon()
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
		all()
	}
}

// fewSuspects are run one by one at once.
const fewSuspects = 4

// again says whether many suspects, side by side on a server of their own, end that
// too. Those that have no result get one.
func (s *suite) again(who []job) bool {
	if len(who) <= fewSuspects {
		return true
	}
	if err := s.restart(); err != nil {
		s.died = err
		return false
	}
	crash, _ := s.batch(who)
	if crash == nil {
		crash = s.endsSoon()
	}
	if crash != nil {
		s.stop()
	}
	return crash != nil
}

// underWay are those of the suspects that have no result, or the first of them.
func underWay(who []job, results map[job]report.Result) []job {
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
func (s *suite) blameEarlier(before *suspects) {
	if s.instance.HasExited(0) && s.died == nil && s.ctx.Err() == nil {
		who := before.list()
		*before = suspects{}
		s.blame(s.crash(byExit), who)
	}
}
