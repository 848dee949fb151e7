package world

import "lockd/server/core"

// stop asks the server to stop gracefully.
func (s *harness) stop() {
	if s.stopping {
		return
	}
	s.stopping = true
	for _, l := range s.conns {
		if l != nil {
			l.due = l.arrived - l.end.Unsent()
			s.waited = s.waited || len(l.owed) > 0
		}
	}
	s.hub.Stop(s.machine.Now())
	s.loops[0].loop.Stop()
}

// drop makes the loops drop every connection.
func (s *harness) drop() {
	s.dropping = true
	for _, l := range s.conns {
		if l != nil {
			l.dropped = true
		}
	}
	for _, r := range s.loops {
		r.loop.Drop()
	}
}

// isOver reports whether all loops have ended.
func (s *harness) isOver() bool {
	for _, r := range s.loops {
		if !r.over {
			return false
		}
	}
	return true
}

// restart ends the server, checks that it has left nothing, and starts another. A
// server that the trace has not stopped is stopped here.
func (s *harness) restart() {
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
		s.judge.Failf("the server does not end, although it was told to drop all connections")
	}
	if left := s.machine.Descriptors(); len(left) > 0 {
		s.judge.Failf("the server has ended and left the descriptors %v open", left)
	}
	if conns, locks := s.hub.Held(); conns+locks > 0 {
		s.judge.Failf("the server has ended and left %d connections and %d locks", conns, locks)
	}
	s.count()
	s.conns = nil
	s.judge.Restart()
	s.start()
}

// count adds the faults of the kernel to the coverage.
func (s *harness) count() {
	for _, r := range s.loops {
		for fault, n := range r.faulty.Counts() {
			s.coverage[int(firstKernelFault)+fault] += int64(n)
		}
	}
}
