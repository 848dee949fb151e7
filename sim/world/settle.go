package world

import (
	"lockd/server/core"
	"lockd/server/life"
	"lockd/server/loop"
)

// The oracles of this file check the loops from outside: what they wait for, and what
// they leave undone.

// mayEnd checks that a connection that is released has a reason to end, and that its
// client is not owed anything that it could still get.
func (s *harness) mayEnd(l *connState) {
	now := s.machine.Now()
	idle := s.options.idleLimit() > 0 && len(l.owed) == 0 && now >= l.lastActive+s.options.idleLimit()
	slow := s.options.writeLimit() > 0 && len(l.owed) > 0 && now >= l.owedSince+s.options.writeLimit()
	l.idleExpired, l.writeExpired = idle, slow
	switch {
	case l.broken || l.dropped || l.killed:
	case slow:
		s.coverage[WriteTimeout]++
	case l.foreign:
		l.graceful = true
		if len(l.owed) > 0 && !s.mayNotKnow(l) {
			s.judge.Failf("BAD-7: connection %d is ended, and not sent %q", l.label, l.owed)
		}
	case l.ended:
		l.graceful = true
		if len(l.sent) > 0 || len(l.owed) > 0 && !s.mayNotKnow(l) {
			s.judge.Failf("END-4: connection %d has ended its stream, and %q was not executed, %q not sent", l.label, l.sent, l.owed)
		}
	case idle: // also while the server stops
		s.coverage[IdleTimeout]++
	case s.stopping:
		l.graceful = true
		if l.given < l.due && !l.shortRead || len(l.owed) > 0 && !s.mayNotKnow(l) {
			s.judge.Failf("END-8: the server stops; connection %d had sent %d bytes, %d were executed, %q was not sent", l.label, l.due, l.given, l.owed)
		}
	default:
		s.judge.Failf("connection %d is ended for no reason", l.label)
	}
}

// mayLose checks that a client that has read the end of its stream has read all that
// was sent, unless its connection broke, or was not ended gracefully.
func (s *harness) mayLose(l *connState) {
	if (l.graceful || l.refused) && !l.broken && !l.dropped && l.got < l.wrote && s.machine.Now() < l.endedAt+core.Second {
		s.judge.Failf("connection %d was sent %d bytes, and its stream has ended after %d", l.label, l.wrote, l.got)
	}
}

// observer checks the ends that the loops report.
type observer struct{ s *harness }

// Released implements loop.Observer.
func (o observer) Released(id core.ID, end life.End, _ core.Orphans) {
	s, l := o.s, judgedCore(o).conn(id)
	var is bool
	switch end {
	case life.Finished:
		is = l.ended
	case life.Failed:
		is = l.broken
	case life.TimedOut:
		is = l.writeExpired || l.idleExpired
	case life.Dropped:
		is = s.stopping || l.dropped || l.foreign || l.killed
	}
	if !is || !l.released {
		s.judge.Failf("the loop reports the wrong end %q for connection %d: %+v", end, l.label, *l)
	}
}

// The rest of loop.Observer is not checked.

func (observer) Opened(core.ID, core.Peer)    {}
func (observer) Refused(core.Peer)            {}
func (observer) Closed(core.ID)               {}
func (observer) NotAccepted(error, core.Time) {}

// mostRounds is how many rounds of turns without faults the loops may take to come to rest.
// A batch of 16 KiB that fills the output with every line takes thousands.
const mostRounds = 50_000

// settle makes all loops take turns without faults until nothing happens any more,
// and checks what they wait for.
func (s *harness) settle() {
	if s.stopping && s.drained == 0 {
		s.drained = s.machine.Now() + mostDraining
	}
	s.comeToRest()
	if s.judge.Err() != nil {
		return
	}
	open := 0
	for _, l := range s.byFD {
		if l != nil {
			open++
			s.atRest(l)
		}
	}
	s.loopsAtRest(open)
}

// comeToRest makes all loops take turns until nothing happens any more.
func (s *harness) comeToRest() {
	quiet := 0
	for round := 0; quiet < 2; round++ {
		before := s.progress
		s.dump()
		for i, r := range s.loops {
			if !r.isBlocked(s.machine.Now()) {
				s.takeTurn(i, "")
			}
		}
		if s.judge.Err() != nil {
			return
		}
		if quiet++; s.progress != before {
			quiet = 0
		}
		if round > mostRounds {
			s.judge.Failf("the loops do not come to rest")
			return
		}
	}
}

// loopsAtRest checks what the loops wait for, and the listeners, while nothing happens.
// open is the number of open connections.
func (s *harness) loopsAtRest(open int) {
	for i, r := range s.loops {
		switch {
		case r.over:
		case r.poller.HasWork():
			s.judge.Failf("loop %d spins: the kernel reports events and the loop does nothing about them", i)
		case r.poller.Until() <= s.machine.Now():
			s.judge.Failf("loop %d spins: it waits for a deadline that has passed", i)
		}
	}
	alarm := judgedCore{s}.Next()
	if now := s.machine.Now(); now >= alarm && !s.loops[0].over {
		s.judge.Failf("Core's deadline passed %d ms ago, and Core.Tick is not called", (now-alarm)/core.Millisecond)
	}
	if s.next() != s.deadline && open == 0 && s.watching(s.listeners[0]) != 0 && s.watching(s.listeners[1]) != 0 {
		s.judge.Failf("no connection is open, and a loop has a deadline in %d ms", (s.next()-s.machine.Now())/core.Millisecond)
	}
	for i, fd := range s.listeners {
		if s.machine.Open(fd) && s.machine.Queued(fd) > 0 && s.watching(fd) != 0 {
			s.judge.Failf("a connection waits at listener %d, and is not accepted", i)
		}
	}
}

// isBlocked reports whether a loop would still be in its Wait: nothing happened in its
// last turn, and nothing has happened since that wakes it.
func (r *loopRunner) isBlocked(now core.Time) bool {
	return r.over || r.blocked && !r.poller.HasWork() && now < r.poller.Until()
}

// atRest checks a connection that is open while nothing happens: it waits for its
// client, or for time to pass.
func (s *harness) atRest(l *connState) {
	now, want := s.machine.Now(), s.watching(l.fd)
	owes := len(l.owed) > 0 && !l.released
	wanted := loop.Readable
	if owes {
		wanted = loop.Writable
	} else if l.queued {
		wanted = loop.PeerEnded
	} else if l.waits {
		wanted = 0
	}
	switch {
	case want != wanted:
		s.judge.Failf("connection %d owes %d bytes and is watched for %d, not %d", l.label, len(l.owed), want, wanted)
	case l.dropped && !l.refused:
		s.judge.Failf("the server was told to drop all connections, and connection %d stays open", l.label)
	case l.killed && !l.released:
		s.judge.Failf("connection %d was killed, and stays open", l.label)
	case l.queued && !l.released && !owes && s.machine.PeerEnded(l.fd):
		s.judge.Failf("WAIT-6: the client of connection %d has ended its stream, and the connection still waits", l.label)
	case l.foreign && !owes && !l.released:
		s.judge.Failf("connection %d speaks another protocol, and stays open", l.label)
	case l.waits && !l.released && s.machine.Broken(l.fd):
		s.judge.Failf("connection %d has broken while it waits for a reply, and stays open", l.label)
	case l.waits && !l.released:
		if s.judge.Next() == core.Never {
			s.judge.Failf("connection %d waits for a reply, and nothing is due", l.label)
		}
	case !owes && s.machine.Unread(l.fd) > 0:
		s.judge.Failf("connection %d has sent %d bytes that no loop reads", l.label, s.machine.Unread(l.fd))
	case !owes && !l.released && !l.refused && len(l.sent) > 0:
		s.judge.Failf("connection %d has sent %q, which is not executed", l.label, l.sent)
	case l.left:
		s.judge.Failf("the client of connection %d has left, and the server does not notice", l.label)
	case l.finished && !owes:
		s.judge.Failf("the client of connection %d has ended its stream, and the server does not notice", l.label)
	case s.stopping && !owes && !l.released && !l.refused && now >= s.drained && now > l.lastActive:
		s.judge.Failf("the server stops, and connection %d stays open", l.label)
	case s.options.idleLimit() > 0 && !s.stopping && !owes && !l.released && !l.refused && now >= l.lastActive+s.options.idleLimit():
		s.judge.Failf("connection %d is idle for %d ms, and stays open", l.label, (now-l.lastActive)/core.Millisecond)
	case s.options.writeLimit() > 0 && owes && !l.refused && now >= l.lastProgress+s.options.writeLimit():
		s.judge.Failf("connection %d has taken nothing for %d ms, and stays open", l.label, (now-l.lastProgress)/core.Millisecond)
	case s.next() > s.latest(l):
		s.judge.Failf("connection %d has a deadline in %d ms, and no loop wakes up by then", l.label, (s.latest(l)-now)/core.Millisecond)
	case (l.released || l.refused) && now >= l.endedAt+mostLinger:
		s.judge.Failf("connection %d was released or refused %d ms ago, and stays open", l.label, (now-l.endedAt)/core.Millisecond)
	}
}

// latest is the time by which a loop must attend to a connection; core.Never if it
// waits for its client alone.
func (s *harness) latest(l *connState) core.Time {
	latest := core.Never
	switch idle, write := s.options.idleLimit(), s.options.writeLimit(); {
	case l.released || l.refused:
		latest = l.endedAt + mostLinger
	case len(l.owed) > 0 && write > 0:
		latest = l.lastProgress + write
	case len(l.owed) > 0 || l.waits:
	case s.stopping:
		latest = max(s.drained, l.lastActive+mostDraining)
	case idle > 0:
		latest = l.lastActive + idle
	}
	return latest
}

// mostDraining is how long a server that stops reads from a client that takes its
// replies.
const mostDraining = 200 * core.Millisecond

// mostLinger is how long a connection may be open once it was released or refused.
const mostLinger = 11 * core.Second

// watching is what a descriptor is watched for, by any of the loops.
func (s *harness) watching(fd loop.FD) loop.Ready {
	for _, r := range s.loops {
		if want, on := r.poller.Watching(fd); on {
			return want
		}
	}
	return 0
}

// checkDescriptors fails if the server has used a descriptor that it does not have.
func (s *harness) checkDescriptors() {
	if err := s.machine.Misuse(); err != nil {
		s.judge.Failf("the kernel was misused: %w", err)
	}
}

// next is the earliest deadline of a loop.
func (s *harness) next() core.Time {
	next := core.Never
	for _, r := range s.loops {
		if !r.over {
			next = min(next, r.poller.Until())
		}
	}
	return next
}
