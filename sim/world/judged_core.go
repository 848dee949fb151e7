package world

import (
	"bytes"
	"syscall"

	"lockd/server/core"
	"lockd/sim/judge"
)

const again = syscall.EAGAIN

// judgedCore is the Core that the loops call. It passes calls on to the judge, which compares
// the real Core with the model, and keeps account of what every connection is owed.
type judgedCore struct{ s *harness }

// Open implements hub.Core.
func (t judgedCore) Open(_ core.Time, peer core.Peer, fx *core.Effects) (core.ID, bool) {
	s, l := t.s, t.s.accepted
	s.progress++
	if l == nil || peer != judge.Peer(l.addr) {
		s.judge.Failf("a connection from %+v is announced to Core, and was not accepted", peer)
		return 0, false
	}
	s.accepted, l.dropped = nil, s.dropping
	l.acceptedAt, l.lastActive, l.lastProgress, l.owedSince = s.machine.Now(), s.machine.Now(), s.machine.Now(), s.machine.Now()
	refusal, ok := s.judge.Open(l.label, l.addr)
	if !ok {
		l.refused, l.endedAt = true, s.machine.Now()
		l.owed = append(l.owed, refusal...)
		fx.Append(0, l.owed)
		s.coverage[RefusedConnection]++
		return 0, false
	}
	l.admitted = true
	s.byID = append(s.byID, l)
	return s.judge.ID(l.label), true
}

// conn returns the connection with a number.
func (t judgedCore) conn(id core.ID) *connState {
	if id < 1 || int(id) > len(t.s.byID) {
		t.s.judge.Failf("there is no connection number %d", id)
		return &connState{}
	}
	return t.s.byID[id-1]
}

// Receive implements hub.Core.
func (t judgedCore) Receive(now core.Time, id core.ID, data []byte, fx *core.Effects) ([]byte, core.State) {
	s, l := t.s, t.conn(id)
	s.progress++
	switch {
	case l.waits:
		s.judge.Failf("connection %d waits for a reply, and %q is executed", l.label, data)
	case l.killed && s.options.Loops > 1: // another loop may not know yet
	case l.released || l.foreign || l.killed:
		s.judge.Failf("connection %d was released or dismissed, and %q is executed", l.label, data)
	case len(l.owed) > 0 && !s.mayNotKnow(l):
		s.judge.Failf("connection %d has %d bytes of replies unread, and %q is executed", l.label, len(l.owed), data)
	case l.ranIn == s.turn:
		s.judge.Failf("connection %d was served in this turn already, and %q is executed", l.label, data)
	case !bytes.HasPrefix(l.sent, data):
		s.judge.Failf("connection %d has sent %.100q, and %.100q is executed", l.label, l.sent, data)
	}
	l.ranIn = s.turn
	s.judge.Now = now
	consumed, replies, state := s.judge.Receive(l.label, data)
	l.waits, l.queued = state.Waits, state.Queued
	if state.Ends {
		l.foreign = true
		if s.judge.Foreign(l.label) {
			s.coverage[ForeignProtocol]++
		} else {
			s.coverage[KilledItself]++
			l.killedItself = true
		}
	}
	if state.Queued && consumed < len(data) {
		s.coverage[WaitInPipeline]++
	}
	if consumed < len(data) && !state.Waits {
		s.coverage[OutputBatch]++
	}
	if bytes.Count(data[:consumed], newline) > 1 {
		s.coverage[ManyCommandsInOnePacket]++
	}
	if bytes.Contains(replies, limitReached) {
		s.coverage[LockLimit]++
	}
	if bytes.Contains(replies, lockFull) {
		s.coverage[SharedLockFull]++
	}
	l.sent = l.sent[min(consumed, len(l.sent)):]
	l.given += consumed
	if len(replies) > 0 {
		if len(l.owed) == 0 {
			l.lastProgress, l.owedSince = s.machine.Now(), s.machine.Now()
		}
		l.owed = append(l.owed, replies...)
		fx.Append(id, replies)
	}
	t.s.tell(fx)
	t.serve(fx) // after all outputs, as Effects says
	return data[consumed:], state
}

// Close implements hub.Core.
func (t judgedCore) Close(now core.Time, id core.ID, fx *core.Effects) core.Orphans {
	s, l := t.s, t.conn(id)
	s.progress++
	s.judge.Now = now
	if l.released {
		s.judge.Failf("connection %d is released twice", l.label)
	}
	s.mayEnd(l)
	l.released, l.endedAt = true, s.machine.Now()
	orphans := s.judge.Close(l.label)
	t.serve(fx)
	s.released(l)
	return orphans
}

// EndOfStream implements hub.Core.
func (t judgedCore) EndOfStream(now core.Time, id core.ID, fx *core.Effects) {
	s, l := t.s, t.conn(id)
	s.progress++
	if !l.peerEnded {
		s.judge.Failf("WAIT-6: Core is told of the end of connection %d, of which the kernel has said nothing", l.label)
	}
	s.judge.Now = now
	s.judge.EndOfStream(l.label)
	t.serve(fx)
}

// Stop implements hub.Core.
func (t judgedCore) Stop(now core.Time, fx *core.Effects) {
	s := t.s
	for _, l := range s.byID {
		if l.queued && !l.released {
			s.coverage[StopDuringWaits]++
			break
		}
	}
	s.judge.Stop(now)
	t.serve(fx)
}

// serve answers and drops those whom the last call has answered and killed.
func (t judgedCore) serve(fx *core.Effects) {
	s := t.s
	countServed(s.options, s.judge.Served(), s.coverage)
	for _, r := range s.judge.Served() {
		l := t.conn(r.To)
		if l.released || !l.queued {
			s.judge.Failf("connection %d is answered, and does not wait for a lock", l.label)
		}
		if len(l.owed) > 0 {
			s.coverage[GrantToFullBuffers]++
		}
		l.queued = false
		t.resume(r, fx)
	}
	for _, id := range s.judge.Dropped() {
		t.conn(id).killed = true
		s.coverage[KilledByCommand]++
		fx.Drop(id)
	}
}

// EndMessage implements hub.Core. Loops have no messages and never call it.
func (t judgedCore) EndMessage(_ core.Time, id core.ID, _ *core.Effects) core.State {
	t.s.judge.Failf("a loop has ended a message of connection number %d", id)
	return core.State{}
}

// The rest of hub.Core is passed on.

func (t judgedCore) Conns() int               { return t.s.judge.Core().Conns() }
func (t judgedCore) Locks() int               { return t.s.judge.Core().Locks() }
func (t judgedCore) Commands() uint64         { return t.s.judge.Core().Commands() }
func (t judgedCore) LastToken() uint64        { return t.s.judge.Core().LastToken() }
func (t judgedCore) Walk(w *core.Walk) bool   { return t.s.judge.Core().Walk(w) }
func (t judgedCore) Measures() *core.Measures { return t.s.judge.Core().Measures() }

// Finish implements hub.Core.
func (t judgedCore) Finish(now core.Time, _ *core.Dump, fx *core.Effects) {
	t.s.judge.Now = now
	for _, r := range t.s.judge.Make() {
		if l := t.conn(r.To); l.released || !l.waits || l.queued {
			t.s.judge.Failf("connection %d is answered, and does not wait for a dump", l.label)
		}
		t.s.coverage[DumpAwaited]++
		t.resume(r, fx)
	}
}

// resume gives its reply to a connection that has waited for it.
func (t judgedCore) resume(r core.Resumed, fx *core.Effects) {
	l := t.conn(r.To)
	l.waits, l.resumed, l.before = false, true, len(l.owed)
	l.owed = append(l.owed, r.Reply...)
	fx.Resume(r.To, r.Reply)
}
