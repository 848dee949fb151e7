package world

import "lockd/server/core"

// stop asks the server to stop gracefully.
func (s *stage) stop() {
	if s.stopping {
		return
	}
	s.stopping = true
	for _, l := range s.links {
		if l != nil {
			l.due = l.arrived - l.end.Unsent()
			s.waited = s.waited || len(l.owed) > 0
		}
	}
	s.hub.Stop(s.machine.Now())
	s.runners[0].loop.Stop()
}

// drop makes the loops drop every connection.
func (s *stage) drop() {
	s.dropping = true
	for _, l := range s.links {
		if l != nil {
			l.dropped = true
		}
	}
	for _, r := range s.runners {
		r.loop.Drop()
	}
}

// isOver says whether all loops have ended.
func (s *stage) isOver() bool {
	for _, r := range s.runners {
		if !r.over {
			return false
		}
	}
	return true
}

// again looks at what a server leaves that has stopped, and starts another. Where
// a trace has not let it end, it is told to.
func (s *stage) again() {
	s.stop()
	if !s.isOver() && !s.dropping {
		s.drop()
	}
	for range 20 {
		if s.isOver() {
			break
		}
		s.settle()
		s.machine.Advance(core.Second)
	}
	if !s.isOver() {
		s.judge.Failf("the server does not end, even if it is told to drop everything")
	}
	if left := s.machine.Descriptors(); len(left) > 0 {
		s.judge.Failf("the server has ended and left the descriptors %v", left)
	}
	if conns, locks := s.hub.Held(); conns+locks > 0 {
		s.judge.Failf("the server has ended and left %d connections and %d locks", conns, locks)
	}
	s.count()
	s.links = nil
	s.judge.Restart()
	s.start()
}

// count adds the faults of the kernel to the coverage.
func (s *stage) count() {
	for _, r := range s.runners {
		for fault, n := range r.faulty.Counts() {
			s.coverage[int(firstKernelFault)+fault] += int64(n)
		}
	}
}
