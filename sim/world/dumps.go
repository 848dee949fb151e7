package world

import (
	"bytes"
	"slices"
	"strconv"

	"lockd/server/core"
)

// await notes that the reply to a line comes later.
func (j *judge) await(label int, line []byte) {
	if !j.model.Await(uint64(j.id(label)), line) {
		j.failf("connection %d waits for a reply, which %q has at once", label, line)
	}
}

// tick lets time pass, and tells Core if that wants to be told. If that begins a
// dump, whoever waits for it is to be answered what is true now [DUMP-8].
func (j *judge) tick(d core.Time) {
	j.note(Tick, 0, strconv.AppendInt(nil, int64(d), 10))
	j.now += d
	j.fx.Reset()
	due := j.core.Next()
	j.core.Tick(j.now, &j.fx)
	j.replies(0)
	j.resumed()
	switch begun := j.fx.Dump(); {
	case begun == nil:
	case j.making != nil:
		j.failf("a dump is begun while another is made")
	case j.now < max(due, j.pause):
		j.failf("a dump is begun %d ns too early", max(due, j.pause)-j.now)
	default:
		j.making, j.began, j.expected = begun, j.now, j.model.Awaiting()
	}
	j.trace(nil)
}

// made gives back the dump that was begun, and returns who was answered.
func (j *judge) made() []core.Resumed {
	j.note(Made, 0, nil)
	if j.making == nil {
		return nil
	}
	j.making.Make()
	j.fx.Reset()
	j.core.Finish(j.now, j.making, &j.fx)
	j.making = nil
	if !j.hurry {
		j.pause = j.now + 9*(j.now-j.began)
	}
	j.replies(0)
	if j.fx.Dump() != nil {
		j.failf("the end of a dump begins another, and nobody has told the time")
	}
	resumed := j.resumed()
	j.trace(nil)
	return resumed
}

// resumed compares what those are answered who have waited.
func (j *judge) resumed() []core.Resumed {
	for _, r := range j.fx.Resumed() {
		want, awaited := j.expected[uint64(r.To)]
		if !awaited {
			j.failf("connection number %d is answered %q, and has not waited when that was begun", r.To, r.Reply)
		} else if !bytes.Equal(r.Reply, want) {
			j.failf("connection number %d has waited for %q, want %q", r.To, r.Reply, want)
		}
		j.model.Answered(uint64(r.To))
		j.trace(r.Reply)
	}
	return slices.Clone(j.fx.Resumed())
}

// dumps lets dumps be begun and made, if the dice say so.
func (d direct) dumps() {
	j, r := d.w.judge, &d.w.random
	d.answerAll()
	if j.core.Next() != core.Never && r.below(4) == 0 {
		j.tick(pick(r, 0, core.Millisecond, core.Second))
	}
	if j.making != nil && r.below(4) == 0 {
		d.w.answers = j.made()
		d.answerAll()
	}
}

func (d direct) answerAll() {
	answers := d.w.answers
	d.w.answers = nil
	for _, r := range answers {
		d.answer(r)
	}
}

// answer gives the reply to the client that has waited for it, if it is one of
// those that go on by themselves.
func (d direct) answer(r core.Resumed) {
	for _, p := range d.w.peers {
		if p.open && d.w.judge.id(p.label) == r.To {
			d.w.hit(DumpAwaited)
			p.waits = false
			d.reply(p, r.Reply)
		}
	}
}

// await lets dumps be made until one client is answered. The others hear of theirs
// later, so that nothing else happens meanwhile.
func (d direct) await(p *peer) (reply []byte) {
	j := d.w.judge
	for range 1000 {
		if next := j.core.Next(); next != core.Never {
			j.tick(max(0, next-j.now))
		} else if j.making == nil {
			break
		}
		answered := false
		for _, r := range j.made() {
			if r.To == j.id(p.label) {
				answered, reply = true, r.Reply
			} else {
				d.w.answers = append(d.w.answers, r)
			}
		}
		if answered || j.failure != nil {
			return reply
		}
	}
	j.failf("connection %d waits for ever", p.label)
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
	t.s.judge.now = now
	t.resume(t.s.judge.made(), fx)
}

// resume lets those go on who have waited.
func (t tap) resume(resumed []core.Resumed, fx *core.Effects) {
	for _, r := range resumed {
		l := t.link(r.To)
		if l.released || !l.waits {
			t.s.judge.failf("connection %d is answered, and does not wait", l.label)
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
