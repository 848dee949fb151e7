package world

import (
	"bytes"
	"syscall"

	"lockd/server/core"
	"lockd/sim/judge"
)

const again = syscall.EAGAIN

// tap is the Core that the loops use: the judge, which compares what the real one
// answers with the model, and the books of what every connection is owed.
type tap struct{ s *stage }

// Open implements hub.Core.
func (t tap) Open(_ core.Time, peer core.Peer, fx *core.Effects) (core.ID, bool) {
	s, l := t.s, t.s.accepted
	s.progress++
	if l == nil || peer != judge.Peer(l.addr) {
		s.judge.Failf("a connection from %+v was announced, and not accepted", peer)
		return 0, false
	}
	s.accepted, l.dropped = nil, s.dropping
	l.began, l.heard, l.taken, l.owing = s.machine.Now(), s.machine.Now(), s.machine.Now(), s.machine.Now()
	refusal, ok := s.judge.Open(l.label, l.addr)
	if !ok {
		l.refused, l.over = true, s.machine.Now()
		l.owed = append(l.owed, refusal...)
		fx.Append(0, l.owed)
		s.coverage[RefusedConnection]++
		return 0, false
	}
	l.admitted = true
	s.numbered = append(s.numbered, l)
	return s.judge.ID(l.label), true
}

// link returns the connection of a number.
func (t tap) link(id core.ID) *link {
	if id < 1 || int(id) > len(t.s.numbered) {
		t.s.judge.Failf("there is no connection number %d", id)
		return &link{}
	}
	return t.s.numbered[id-1]
}

// Receive implements hub.Core.
func (t tap) Receive(now core.Time, id core.ID, data []byte, fx *core.Effects) ([]byte, core.State) {
	s, l := t.s, t.link(id)
	s.progress++
	switch {
	case l.waits:
		s.judge.Failf("connection %d waits for a reply, and %q is executed", l.label, data)
	case l.released || l.foreign:
		s.judge.Failf("connection %d was released or dismissed, and then %q was executed", l.label, data)
	case len(l.owed) > 0 && !s.mayNotKnow(l):
		s.judge.Failf("connection %d has %d bytes of replies unread, and %q is executed", l.label, len(l.owed), data)
	case l.ranIn == s.turns:
		s.judge.Failf("connection %d has had its turn, and %q is executed in the same one", l.label, data)
	case !bytes.HasPrefix(l.sent, data):
		s.judge.Failf("connection %d has sent %.100q, and %.100q is executed", l.label, l.sent, data)
	}
	l.ranIn = s.turns
	s.judge.Now = now
	consumed, replies, state := s.judge.Receive(l.label, data)
	l.waits = state.Waits
	if state.Ends {
		l.foreign = true
		s.coverage[ForeignProtocol]++
	}
	if consumed < len(data) && !state.Waits {
		s.coverage[OutputBatch]++
	}
	if bytes.Count(data[:consumed], newline) > 1 {
		s.coverage[ManyCommandsInOnePacket]++
	}
	if s.options.MaxLocks > 0 && bytes.Contains(replies, limitReached) {
		s.coverage[LockLimit]++
	}
	l.sent = l.sent[min(consumed, len(l.sent)):]
	l.given += consumed
	if len(replies) > 0 {
		if len(l.owed) == 0 {
			l.taken, l.owing = s.machine.Now(), s.machine.Now()
		}
		l.owed = append(l.owed, replies...)
		fx.Append(id, replies)
	}
	t.s.tell(fx)
	return data[consumed:], state
}

// Close implements hub.Core.
func (t tap) Close(_ core.Time, id core.ID, _ *core.Effects) core.Orphans {
	s, l := t.s, t.link(id)
	s.progress++
	if l.released {
		s.judge.Failf("connection %d is released twice", l.label)
	}
	s.mayEnd(l)
	l.released, l.over = true, s.machine.Now()
	orphans := s.judge.Close(l.label)
	s.released(l)
	return orphans
}

// EndMessage implements hub.Core. Loops know no messages.
func (t tap) EndMessage(_ core.Time, id core.ID, _ *core.Effects) core.State {
	t.s.judge.Failf("a loop has ended a message of number %d", id)
	return core.State{}
}

// The rest of hub.Core is passed on.

func (t tap) Conns() int       { return t.s.judge.Core().Conns() }
func (t tap) Locks() int       { return t.s.judge.Core().Locks() }
func (t tap) Commands() uint64 { return t.s.judge.Core().Commands() }

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
