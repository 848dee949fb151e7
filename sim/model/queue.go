package model

import (
	"bytes"
	"slices"
)

// key is a name in one of the two tables.
type key struct {
	shared bool
	name   string
}

// noBound is the bound of a holder that neither has nor respects one [BOUND-2].
const noBound = -1

// waiting is what a connection waits for.
type waiting struct {
	lock     key
	bound    int
	deadline int64  // nanoseconds since 1970
	ticket   uint64 // grows in the order in which waits begin
}

// Answer is the end of a wait: the reply to a connection that has waited for a lock.
type Answer struct {
	To    uint64
	Reply []byte
}

// Allow sets how many waiting connections the steps that follow may answer; what they
// leave, Tick may do later [WAIT-3].
func (s *Server) Allow(n int) { s.allowed, s.answers, s.killed, s.suicide = n, nil, nil, 0 }

// Answers returns the answers since the last Allow, in order.
func (s *Server) Answers() []Answer { return s.answers }

// Killed returns the connections that were killed by others since the last Allow, in
// order [KILL-1].
func (s *Server) Killed() []uint64 { return s.killed }

// Queued says whether a connection waits for a lock.
func (s *Server) Queued(id uint64) bool { return s.conns[id] != nil && s.conns[id].waiting != nil }

// Waiting returns how many connections wait for a lock.
func (s *Server) Waiting() int { return len(s.queue) }

// stamp returns the next of some growing numbers: the last one plus one, or the time in
// milliseconds times 2^11, whichever is higher [TOKEN-1].
func (s *Server) stamp(last *uint64) uint64 {
	*last = max(*last+1, uint64(s.Now/1e6)<<11)
	return *last
}

func (s *Server) token() uint64 { return s.stamp(&s.lastToken) }

// first returns the first that waits for a lock, nil if nobody does.
func (s *Server) first(l key) *conn {
	for _, c := range s.queue {
		if c.waiting.lock == l {
			return c
		}
	}
	return nil
}

// wait makes a connection wait, behind all others [WAIT-2].
func (s *Server) wait(c *conn, l key, bound int, ms int64) {
	c.waiting = &waiting{l, bound, s.Now + ms*1e6, s.stamp(&s.lastTicket)}
	s.queue = append(s.queue, c)
}

// leaveQueue ends the wait of a connection, if it waits. Those behind it may have to be
// served.
func (s *Server) leaveQueue(c *conn) {
	if c.waiting == nil {
		return
	}
	l := c.waiting.lock
	c.waiting = nil
	s.queue = slices.DeleteFunc(s.queue, func(other *conn) bool { return other == c })
	if s.touch(l); s.first(l) == nil {
		is := func(other key) bool { return other == l }
		s.touched, s.postponed = slices.DeleteFunc(s.touched, is), slices.DeleteFunc(s.postponed, is)
	}
}

// touch notes that somebody in the queue of a lock may have to be served, after those of
// all locks noted before.
func (s *Server) touch(l key) {
	if s.first(l) != nil && !slices.Contains(s.touched, l) && !slices.Contains(s.postponed, l) {
		s.touched = append(s.touched, l)
	}
}

// serve serves all that can be served and that this step has not left, as far as it may
// [WAIT-3].
func (s *Server) serve() { s.serveFrom(&s.touched) }

func (s *Server) serveFrom(locks *[]key) {
	for len(*locks) > 0 {
		c := s.first((*locks)[0])
		if c == nil || !s.grantable(c) {
			*locks = (*locks)[1:]
			continue
		}
		if len(s.answers) >= s.allowed {
			return
		}
		s.grant(c)
	}
}

// grantable says whether a connection that waits could be granted the lock.
func (s *Server) grantable(c *conn) bool {
	if l := c.waiting.lock; !l.shared {
		return s.exclusive[l.name] == nil
	}
	return s.admits(c.waiting.lock.name, c.waiting.bound)
}

// admits says whether one more holder with a bound exceeds no bound [BOUND-1].
func (s *Server) admits(name string, bound int) bool {
	holders := s.shared[name]
	for _, h := range holders {
		if h.bound > 0 && len(holders)+1 > h.bound {
			return false
		}
	}
	return bound == 0 || len(holders)+1 <= bound
}

// grant ends the wait of a connection with the lock, or for the limit [WAIT-8].
func (s *Server) grant(c *conn) {
	w := c.waiting
	name := []byte(w.lock.name)
	s.respond(c, func() {
		switch {
		case s.full(c, w.lock):
			s.limited(name)
		case w.lock.shared:
			s.shared[w.lock.name] = append(s.shared[w.lock.name], &holding{c, s.token(), w.bound})
			s.answer(len(s.shared[w.lock.name]), sharedGetReply, name)
		default:
			s.exclusive[w.lock.name] = &holding{c, s.token(), 0}
			s.answer(1, getReply, name)
		}
	})
}

// refuse ends the wait of a connection without the lock.
func (s *Server) refuse(c *conn, text string) {
	name := c.waiting.lock.name
	s.respond(c, func() { s.reply("0 ", text, ": ", name) })
}

// respond ends the wait of a connection with the reply that is made by a function.
func (s *Server) respond(c *conn, reply func()) {
	out := s.out
	s.out = nil
	reply()
	s.answers = append(s.answers, Answer{c.id, bytes.Clone(s.out)})
	s.out = out
	s.leaveQueue(c)
}

// postpone ends a step: what it has left is for Tick.
func (s *Server) postpone() {
	for _, l := range s.touched {
		if c := s.first(l); c != nil && s.grantable(c) {
			s.postponed = append(s.postponed, l)
		}
	}
	s.touched = nil
}

// Tick serves those whom earlier steps have left, then ends the waits whose deadline has
// passed, by deadline and then in the order in which they began [WAIT-4], and serves
// those behind them.
func (s *Server) Tick() {
	s.serveFrom(&s.postponed)
	for len(s.answers) < s.allowed && len(s.postponed) == 0 {
		c := s.due()
		if c == nil {
			break
		}
		s.refuse(c, "Wait Timeout")
		s.serve()
	}
	s.postpone()
}

// due returns the connection whose deadline passed first, nil if none has passed.
func (s *Server) due() (first *conn) {
	for _, c := range s.queue {
		if c.waiting.deadline <= s.Now && (first == nil || c.waiting.deadline < first.waiting.deadline) {
			first = c
		}
	}
	return first
}

// Unserved says whether Tick has something to do.
func (s *Server) Unserved() bool { return len(s.postponed) > 0 || s.due() != nil }

// Postponed says whether a step has left somebody who could be granted a lock.
func (s *Server) Postponed() bool {
	for _, l := range s.postponed {
		if c := s.first(l); c != nil && s.grantable(c) {
			return true
		}
	}
	return false
}

// Deadline returns the earliest deadline of a wait, and whether there is one.
func (s *Server) Deadline() (deadline int64, some bool) {
	for _, c := range s.queue {
		if !some || c.waiting.deadline < deadline {
			deadline, some = c.waiting.deadline, true
		}
	}
	return deadline, some
}

// EndOfStream says that the client of a connection has ended its stream: its wait is
// cancelled, and it waits no more [WAIT-6].
func (s *Server) EndOfStream(id uint64) {
	c := s.conns[id]
	if c == nil {
		return
	}
	c.finished = true
	if c.waiting != nil {
		s.refuse(c, "Wait Cancelled")
		s.serve()
	}
	s.postpone()
}

// Stop cancels all waits in one step: the server stops [WAIT-7].
func (s *Server) Stop() {
	s.stopping = true
	for _, c := range slices.Clone(s.queue) {
		s.refuse(c, "Wait Cancelled")
		s.touched = nil
	}
	s.postponed = nil
}
