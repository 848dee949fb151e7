package world

import (
	"bytes"

	"lockd/server/core"
)

// No command of today causes output for another connection than the one that
// spoke, and none becomes due by itself. Drivers must be able to deliver both. So
// in some worlds the Core that the loops use does it out of the blue.

// tellStream is the random stream of what is told to whom.
const tellStream = 0x74656c6c

// tell causes some output for others, and wants to be woken, if the dice say so.
func (s *stage) tell(fx *core.Effects) {
	for s.dice.percent(s.options.Tell) {
		s.tellSomebody(fx)
	}
	if s.dice.percent(s.options.Tell) {
		s.alarm = min(s.alarm, s.machine.Now()+core.Time(1+s.dice.below(500))*core.Millisecond)
	}
}

func (s *stage) tellSomebody(fx *core.Effects) {
	l := s.numbered[s.dice.below(len(s.numbered))]
	if l.released || l.addr == auditorAddr || l.addr == lastAddr {
		return // they read replies to what they have asked alone
	}
	text := append(bytes.Repeat([]byte{'t'}, s.dice.below(300)), '\n')
	if len(l.owed) == 0 {
		l.taken, l.owing = s.machine.Now(), s.machine.Now()
	}
	l.owed, l.told = append(l.owed, text...), true
	fx.Append(s.judge.ID(l.label), text)
	s.coverage[OutputForOthers]++
}

// mayNotKnow says whether the loop of a connection may not have heard yet of output
// that another loop has caused.
func (s *stage) mayNotKnow(l *link) bool { return l.told && s.options.Loops > 1 }

// Tick implements hub.Core.
func (t tap) Tick(now core.Time, fx *core.Effects) {
	s := t.s
	s.progress++
	if t.Next(); now < s.wanted {
		s.judge.Failf("Core is woken at %d, and did not want to be before %d", now, s.wanted)
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
		s.tellSomebody(fx)
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
