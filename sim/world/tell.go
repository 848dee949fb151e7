package world

import (
	"bytes"

	"lockd/server/core"
)

// No command that exists today causes output for a connection other than its own, or
// output from Core.Tick. Drivers must support both, so in some worlds the Core that the
// loops call does both at random.

// tellStream is the random stream of unsolicited output.
const tellStream = 0x74656c6c

// tell sends unsolicited output to some connections and sets a deadline, each at
// random.
func (s *stage) tell(fx *core.Effects) {
	for s.dice.percent(s.options.Tell) {
		s.tellOne(fx)
	}
	if s.dice.percent(s.options.Tell) {
		s.alarm = min(s.alarm, s.machine.Now()+core.Time(1+s.dice.below(500))*core.Millisecond)
	}
}

// tellOne sends unsolicited output to one connection.
func (s *stage) tellOne(fx *core.Effects) {
	l := s.numbered[s.dice.below(len(s.numbered))]
	if l.released || l.addr == auditorAddr || l.addr == lastAddr {
		return // these two expect nothing but the replies to their requests
	}
	text := append(bytes.Repeat([]byte{'t'}, s.dice.below(300)), '\n')
	if len(l.owed) == 0 {
		l.taken, l.owing = s.machine.Now(), s.machine.Now()
	}
	l.owed, l.told = append(l.owed, text...), true
	fx.Append(s.judge.ID(l.label), text)
	s.coverage[OutputForOthers]++
}

// mayNotKnow reports whether the output that a connection is owed may still be on its
// way from another loop to the connection's own.
func (s *stage) mayNotKnow(l *link) bool { return l.told && s.options.Loops > 1 }

// Tick implements hub.Core.
func (t tap) Tick(now core.Time, fx *core.Effects) {
	s := t.s
	s.progress++
	if t.Next(); now < s.wanted {
		s.judge.Failf("Core.Tick is called at %d, before its deadline %d", now, s.wanted)
	}
	s.wanted = core.Never
	if s.judge.Next() <= now {
		if d := s.judge.Tick(now - s.judge.Now); d != nil {
			fx.Begin(d)
		}
	}
	if now < s.alarm {
		return
	}
	s.alarm = core.Never
	s.coverage[WokenByItself]++
	if len(s.numbered) > 0 {
		s.tellOne(fx)
	}
	s.tell(fx)
}

// Next implements hub.Core.
func (t tap) Next() core.Time {
	next := min(t.s.alarm, t.s.judge.Next())
	t.s.wanted = min(t.s.wanted, next)
	return next
}

// Stop implements hub.Core.
func (t tap) Stop(now core.Time) { t.s.judge.Stop(now) }
