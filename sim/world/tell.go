package world

import (
	"bytes"

	"lockd/server/core"
)

// Core answers other connections only when they wait, and then with one line. Drivers must
// support any output for any connection, so in some worlds the Core that the loops call
// makes some at random.

// tellStream is the random stream of unsolicited output.
const tellStream = 0x74656c6c

// tell sends unsolicited output to some connections and sets a deadline, each at
// random.
func (s *harness) tell(fx *core.Effects) {
	for s.tellRandom.percent(s.options.Tell) {
		s.tellOne(fx)
	}
	if s.tellRandom.percent(s.options.Tell) {
		s.extraDeadline = min(s.extraDeadline, s.machine.Now()+core.Time(1+s.tellRandom.below(500))*core.Millisecond)
	}
}

// tellOne sends unsolicited output to one connection.
func (s *harness) tellOne(fx *core.Effects) {
	l := s.byID[s.tellRandom.below(len(s.byID))]
	if l.released || l.addr == auditorAddr || l.addr == lastAddr {
		return // these two expect nothing but the replies to their requests
	}
	text := append(bytes.Repeat([]byte{'t'}, s.tellRandom.below(300)), '\n')
	if len(l.owed) == 0 {
		l.lastProgress, l.owedSince = s.machine.Now(), s.machine.Now()
	}
	l.owed, l.unsolicited = append(l.owed, text...), true
	fx.Append(s.judge.ID(l.label), text)
	s.coverage[OutputForOthers]++
}

// mayNotKnow reports whether the output that a connection is owed may still be on its
// way from another loop to the connection's own.
func (s *harness) mayNotKnow(l *connState) bool { return l.unsolicited && s.options.Loops > 1 }

// Tick implements hub.Core.
func (t judgedCore) Tick(now core.Time, fx *core.Effects) {
	s := t.s
	s.progress++
	if t.Next(); now < s.deadline {
		s.judge.Failf("Core.Tick is called at %d, before its deadline %d", now, s.deadline)
	}
	s.deadline = core.Never
	if s.judge.Next() <= now {
		if d := s.judge.Tick(now - s.judge.Now); d != nil {
			fx.Begin(d)
		}
		defer t.serve(fx) // after all outputs, as Effects says
	}
	if now < s.extraDeadline {
		return
	}
	s.extraDeadline = core.Never
	s.coverage[WokenByItself]++
	if len(s.byID) > 0 {
		s.tellOne(fx)
	}
	s.tell(fx)
}

// Next implements hub.Core.
func (t judgedCore) Next() core.Time {
	next := min(t.s.extraDeadline, t.s.judge.Next())
	t.s.deadline = min(t.s.deadline, next)
	return next
}
