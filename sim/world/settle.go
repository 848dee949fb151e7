package world

import (
	"lockd/server/core"
	"lockd/server/life"
	"lockd/server/loop"
)

// The oracles of this file look at the loops from outside: what they wait for,
// and what they leave undone.

// mayEnd checks that a connection that is released has a reason to end, and that
// nothing is owed to its client that it could still get.
func (s *stage) mayEnd(l *link) {
	now := s.machine.Now()
	idle := s.options.idleLimit() > 0 && len(l.owed) == 0 && now >= l.heard+s.options.idleLimit()
	slow := s.options.writeLimit() > 0 && len(l.owed) > 0 && now >= l.owing+s.options.writeLimit()
	l.idly, l.slowly = idle, slow
	switch {
	case l.broken || l.dropped:
	case slow:
		s.coverage[WriteTimeout]++
	case l.foreign:
		l.graceful = true
		if len(l.owed) > 0 && !s.mayNotKnow(l) {
			s.judge.Failf("BAD-7: connection %d is ended, and not told %q", l.label, l.owed)
		}
	case l.ended:
		l.graceful = true
		if len(l.sent) > 0 || len(l.owed) > 0 && !s.mayNotKnow(l) {
			s.judge.Failf("END-4: connection %d has ended its stream, and %q was not executed, %q not sent", l.label, l.sent, l.owed)
		}
	case idle: // whether the server stops or not
		s.coverage[IdleTimeout]++
	case s.stopping:
		l.graceful = true
		if l.given < l.due && !l.misled || len(l.owed) > 0 && !s.mayNotKnow(l) {
			s.judge.Failf("END-8: the server stops; connection %d had sent %d bytes, %d were executed, %q was not sent", l.label, l.due, l.given, l.owed)
		}
	default:
		s.judge.Failf("connection %d is ended for no reason", l.label)
	}
}

// mayLose checks that a client that has read to the end has read all that was sent,
// unless its connection broke, or was not ended gracefully.
func (s *stage) mayLose(l *link) {
	if (l.graceful || l.refused) && !l.broken && !l.dropped && l.got < l.wrote && s.machine.Now() < l.over+core.Second {
		s.judge.Failf("connection %d was sent %d bytes and has come to its end after %d", l.label, l.wrote, l.got)
	}
}

// observer checks what the loops say of ends.
type observer struct{ s *stage }

// Released implements loop.Observer.
func (o observer) Released(id core.ID, end life.End, _ core.Orphans) {
	s, l := o.s, tap(o).link(id)
	var is bool
	switch end {
	case life.Finished:
		is = l.ended
	case life.Failed:
		is = l.broken
	case life.TimedOut:
		is = l.slowly || l.idly
	case life.Dropped:
		is = s.stopping || l.dropped || l.foreign
	}
	if !is || !l.released {
		s.judge.Failf("connection %d is said to have ended %q: %+v", l.label, end, *l)
	}
}

// The rest of loop.Observer is not looked at.

func (observer) Opened(core.ID, core.Peer)    {}
func (observer) Refused(core.Peer)            {}
func (observer) Closed(core.ID)               {}
func (observer) NotAccepted(error, core.Time) {}

// mostRounds is how many turns without faults everything may take to come to rest.
// A batch of 16 KiB that fills the output with every line takes thousands.
const mostRounds = 50_000

// settle lets all loops take turns without faults until nothing happens any more,
// and looks at what they are waiting for.
func (s *stage) settle() {
	if s.stopping && s.drained == 0 {
		s.drained = s.machine.Now() + mostDraining
	}
	s.comeToRest()
	if s.judge.Err() != nil {
		return
	}
	open := 0
	for _, l := range s.held {
		if l != nil {
			open++
			s.atRest(l)
		}
	}
	s.loopsAtRest(open)
}

// comeToRest lets all loops take turns until nothing happens any more.
func (s *stage) comeToRest() {
	quiet := 0
	for round := 0; quiet < 2; round++ {
		before := s.progress
		s.dump()
		for i, r := range s.runners {
			if !r.isBlocked(s.machine.Now()) {
				s.turn(i, "")
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

// loopsAtRest checks what the loops wait for, and the listeners, while nothing happens
// and so many connections are open.
func (s *stage) loopsAtRest(open int) {
	for i, r := range s.runners {
		switch {
		case r.over:
		case r.poller.HasWork():
			s.judge.Failf("loop %d spins: it is told of events and does nothing about them", i)
		case r.poller.Until() <= s.machine.Now():
			s.judge.Failf("loop %d spins: it waits until a moment that has passed", i)
		}
	}
	alarm := tap{s}.Next()
	if now := s.machine.Now(); now >= alarm && !s.runners[0].over {
		s.judge.Failf("Core wanted to be woken %d ms ago, and is not", (now-alarm)/core.Millisecond)
	}
	if s.next() != alarm && open == 0 && s.watching(s.listeners[0]) != 0 && s.watching(s.listeners[1]) != 0 {
		s.judge.Failf("nobody is there, and a loop wants to be woken in %d ms", (s.next()-s.machine.Now())/core.Millisecond)
	}
	for i, fd := range s.listeners {
		if s.machine.Open(fd) && s.machine.Queued(fd) > 0 && s.watching(fd) != 0 {
			s.judge.Failf("a connection waits at listener %d, and is not accepted", i)
		}
	}
}

// isBlocked says whether a loop would still be in its Wait: nothing happened in its
// last turn, and nothing has since that wakes it.
func (r *runner) isBlocked(now core.Time) bool {
	return r.over || r.blocked && !r.poller.HasWork() && now < r.poller.Until()
}

// atRest checks a connection that is open while nothing happens: it waits for its
// client, or for time to pass.
func (s *stage) atRest(l *link) {
	now, want := s.machine.Now(), s.watching(l.fd)
	owes := len(l.owed) > 0 && !l.released
	wanted := loop.Readable
	if owes {
		wanted = loop.Writable
	} else if l.waits {
		wanted = 0
	}
	switch {
	case want != wanted:
		s.judge.Failf("connection %d owes %d bytes and is watched for %d, not %d", l.label, len(l.owed), want, wanted)
	case l.dropped && !l.refused:
		s.judge.Failf("the server was told to drop everything, and connection %d stays", l.label)
	case l.foreign && !owes && !l.released:
		s.judge.Failf("connection %d speaks another protocol, and stays", l.label)
	case l.waits && !l.released && s.machine.Broken(l.fd):
		s.judge.Failf("connection %d has broken while it waits for a reply, and stays", l.label)
	case l.waits && !l.released:
		if s.judge.Next() == core.Never {
			s.judge.Failf("connection %d waits for a reply that nobody makes", l.label)
		}
	case !owes && s.machine.Unread(l.fd) > 0:
		s.judge.Failf("connection %d has sent %d bytes that nobody reads", l.label, s.machine.Unread(l.fd))
	case !owes && !l.released && !l.refused && len(l.sent) > 0:
		s.judge.Failf("connection %d has sent %q, which is not executed", l.label, l.sent)
	case l.left:
		s.judge.Failf("the client of connection %d has left, and the server does not notice", l.label)
	case l.finished && !owes:
		s.judge.Failf("the client of connection %d has ended its stream, and the server does not notice", l.label)
	case s.stopping && !owes && !l.released && !l.refused && now >= s.drained && now > l.heard:
		s.judge.Failf("the server stops, and connection %d stays", l.label)
	case s.options.idleLimit() > 0 && !s.stopping && !owes && !l.released && !l.refused && now >= l.heard+s.options.idleLimit():
		s.judge.Failf("connection %d is idle for %d ms, and stays", l.label, (now-l.heard)/core.Millisecond)
	case s.options.writeLimit() > 0 && owes && !l.refused && now >= l.taken+s.options.writeLimit():
		s.judge.Failf("connection %d has taken nothing for %d ms, and stays", l.label, (now-l.taken)/core.Millisecond)
	case s.next() > s.latest(l):
		s.judge.Failf("connection %d has a deadline in %d ms, and no loop wants to be woken by then", l.label, (s.latest(l)-now)/core.Millisecond)
	case (l.released || l.refused) && now >= l.over+mostLinger:
		s.judge.Failf("connection %d has been released, and lingers for ever", l.label)
	}
}

// latest is the moment at which a connection must be looked at, at the latest.
func (s *stage) latest(l *link) core.Time {
	latest := core.Never
	switch idle, write := s.options.idleLimit(), s.options.writeLimit(); {
	case l.released || l.refused:
		latest = l.over + mostLinger
	case len(l.owed) > 0 && write > 0:
		latest = l.taken + write
	case len(l.owed) > 0 || l.waits:
	case s.stopping:
		latest = max(s.drained, l.heard+mostDraining)
	case idle > 0:
		latest = l.heard + idle
	}
	return latest
}

// mostDraining is how long a server that stops reads from a client that takes its
// replies.
const mostDraining = 200 * core.Millisecond

// mostLinger is how long a connection may be open once it was released or refused.
const mostLinger = 11 * core.Second

// watching is what a descriptor is watched for, by whichever loop.
func (s *stage) watching(fd loop.FD) loop.Ready {
	for _, r := range s.runners {
		if want, on := r.poller.Watching(fd); on {
			return want
		}
	}
	return 0
}

// mustBeFine fails if the server has used a descriptor that it does not have.
func (s *stage) mustBeFine() {
	if err := s.machine.Misuse(); err != nil {
		s.judge.Failf("the kernel was misused: %w", err)
	}
}

// next is the earliest moment at which a loop wants to be woken.
func (s *stage) next() core.Time {
	next := core.Never
	for _, r := range s.runners {
		if !r.over {
			next = min(next, r.poller.Until())
		}
	}
	return next
}
