package world

import "lockd/server/core"

// dumps lets dumps be begun and made, if the dice say so.
func (d direct) dumps() {
	j, r := d.w.judge, &d.w.random
	d.answerAll()
	if j.Next() != core.Never && r.below(4) == 0 {
		j.Tick(pick(r, 0, core.Millisecond, core.Second))
	}
	if j.Making() && r.below(4) == 0 {
		d.w.answers = j.Make()
		d.answerAll()
	}
}

// answerAll gives the replies to the clients that have waited for them, if they are
// of those that go on by themselves.
func (d direct) answerAll() {
	answers := d.w.answers
	d.w.answers = nil
	for _, r := range answers {
		for _, p := range d.w.peers {
			if p.open && d.w.judge.ID(p.label) == r.To {
				d.w.hit(DumpAwaited)
				p.waits = false
				d.reply(p, r.Reply)
			}
		}
	}
}

// await lets dumps be made until one client is answered. The others hear of theirs
// later, so that nothing else happens meanwhile.
func (d direct) await(p *peer) (reply []byte) {
	j := d.w.judge
	for range 1000 {
		if next := j.Next(); next != core.Never {
			j.Tick(max(0, next-j.Now))
		}
		for _, r := range j.Make() {
			if r.To == j.ID(p.label) {
				reply = r.Reply
			} else {
				d.w.answers = append(d.w.answers, r)
			}
		}
		if !j.Waits(p.label) || j.Err() != nil {
			return reply
		}
	}
	j.Failf("connection %d waits for ever", p.label)
	return nil
}

// dump makes the loops' dump, if one was begun.
func (s *stage) dump() {
	if d := s.making; d != nil {
		s.making = nil
		s.progress++
		s.hub.Finish(s.machine.Now(), d)
	}
}

// Finish implements hub.Core.
func (t tap) Finish(now core.Time, _ *core.Dump, fx *core.Effects) {
	t.s.judge.Now = now
	t.resume(t.s.judge.Make(), fx)
}

// resume lets those go on who have waited.
func (t tap) resume(resumed []core.Resumed, fx *core.Effects) {
	for _, r := range resumed {
		l := t.link(r.To)
		if l.released || !l.waits {
			t.s.judge.Failf("connection %d is answered, and does not wait", l.label)
		}
		t.s.coverage[DumpAwaited]++
		l.waits, l.resumed, l.before = false, true, len(l.owed)
		l.owed = append(l.owed, r.Reply...)
		fx.Resume(r.To, r.Reply)
	}
}

// heard notes that a loop has taken a turn, and knows by now who goes on.
func (s *stage) heard(r *runner) {
	now := s.machine.Now()
	for _, l := range s.held {
		if l == nil || !l.resumed || l.by != r {
			continue
		}
		l.resumed, l.heard = false, now
		if l.before <= 0 { // nothing was owed before the reply
			l.taken, l.owing = now, now
		}
	}
}
