package conformance

import (
	"errors"
	"time"

	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/transcript"
	"lockd/sim/transport"
)

// A server that ends during a run has deviated from BAD-6, whatever else it does. To find
// the case that caused the crash, the suite runs each suspected case alone.

const (
	// crashDelay is how long after a case the server may still end because of it.
	crashDelay = 300 * time.Millisecond
	// mostSuspects bounds how many cases are run again to find the cause.
	mostSuspects = 40
	// crashClause is the clause that a crash deviates from.
	crashClause = "BAD-6"
)

// crashed returns the result of a case that has crashed the server.
func (s *suite) crashed(j job, c *report.Crash, conversation []transcript.Entry) report.Result {
	result := s.result(j, report.Failed, "")
	result.Crash = true
	clause, _ := protocol.Find(crashClause)
	result.Cited = append([]protocol.Clause{clause}, result.Cited...)
	actual := c.Error()
	if c.Output != "" {
		actual += "\nThe end of its output:\n" + c.Output
	}
	result.Failure = &report.Failure{Expected: "the server to keep serving", Actual: actual}
	result.Conversation = conversation
	return result
}

// byExit is how a crash was noticed if the process has exited.
const byExit = "its process has ended"

// ended returns the crash of the server, nil if it still serves. A server has ended if
// its process, if the suite has started it, has exited, or if it does not accept
// connections or does not answer.
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

// endsSoon is like ended, and waits up to crashDelay for the process to exit.
func (s *suite) endsSoon() *report.Crash {
	if s.instance.HasExited(crashDelay) {
		return s.crash(byExit)
	}
	return nil
}

// crash returns a crash of the server, after it had time to write all its output.
func (s *suite) crash(how string) *report.Crash {
	s.instance.HasExited(crashDelay)
	return &report.Crash{How: how, Output: s.instance.LastWords()}
}

// blame finds the case that has crashed the server, by running each of the suspected
// cases alone. The cases that do not crash it again get the results of these runs. If
// none crashes it again, all that were under way are blamed, or the latest one if none
// was. Without a way to restart the server, no more cases are run.
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

// fewSuspects is how many suspects are run alone without trying them concurrently first.
const fewSuspects = 4

// again reports whether the suspects, run concurrently on a new server, crash it again.
// Suspects without a result get one. For few suspects it returns true at once.
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

// underWay returns the suspects that have no result; if all have one, the first.
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

// blameEarlier checks whether the server has ended since the last case did.
func (s *suite) blameEarlier(before *suspects) {
	if s.instance.HasExited(0) && s.died == nil && s.ctx.Err() == nil {
		who := before.list()
		*before = suspects{}
		s.blame(s.crash(byExit), who)
	}
}
