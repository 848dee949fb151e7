package history

import "math/bits"

// A wait takes effect twice: when the connection stands in, and when its wait ends. In
// between it may have been granted the lock, by a release of another connection; the end
// of the wait is when its client can learn that.

// stand makes a connection wait, or grants it the lock at once. It says whether the model
// can represent that.
func (s *lockState) stand(in *input) bool {
	bit := uint64(1) << in.conn
	if in.op.shared() {
		if s.holders&bit != 0 { // it keeps its bound [BOUND-3]
			if s.bounds[in.conn] == uint8(in.op.Bound+1) {
				s.grant(in.conn)
			}
			return true
		}
		s.bounds[in.conn] = uint8(in.op.Bound + 1)
	} else if s.holder == in.conn {
		s.grant(in.conn)
		return true
	}
	if s.queue.n == maxWaiting {
		return false
	}
	s.queue.conns[s.queue.n] = int8(in.conn)
	s.queue.n++
	s.serve()
	return true
}

// over ends a wait, and says whether its answer fits.
func (s *lockState) over(in *input) bool {
	bit := uint64(1) << in.conn
	if s.granted&bit != 0 {
		count := int(s.counts[in.conn])
		s.granted &^= bit
		s.counts[in.conn] = 0
		return !in.op.Answered || in.op.Value == count
	}
	if in.op.Answered && in.op.Value > 0 {
		return false
	}
	if s.queue.remove(in.conn) { // else it holds the lock with another bound
		s.bounds[in.conn] = 0
		s.serve()
	}
	return true
}

// serve grants the lock to as many as can be granted it, from the first on.
func (s *lockState) serve() {
	for s.queue.n > 0 {
		first := int(s.queue.conns[0])
		switch bound := s.bounds[first]; {
		case bound == 0 && s.holder >= 0:
			return
		case bound == 0:
			s.holder = first
		case !s.admits(int(bound) - 1):
			return
		default:
			s.holders |= 1 << first
		}
		s.queue.remove(first)
		s.grant(first)
	}
}

// grant notes that a connection has been granted what it waits for.
func (s *lockState) grant(conn int) {
	s.granted |= 1 << conn
	s.counts[conn] = 1
	if s.bounds[conn] > 0 {
		s.counts[conn] = uint8(bits.OnesCount64(s.holders))
	}
}

// admits says whether one more holder with a bound exceeds no bound [BOUND-1].
func (s *lockState) admits(bound int) bool {
	holders := bits.OnesCount64(s.holders) + 1
	if bound > 0 && holders > bound {
		return false
	}
	for set := s.holders; set != 0; set &= set - 1 {
		if b := int(s.bounds[bits.TrailingZeros64(set)]) - 1; b > 0 && holders > b {
			return false
		}
	}
	return true
}

// remove removes a connection, and says whether it was there.
func (q *queue) remove(conn int) bool {
	for i := range q.n {
		if q.conns[i] == int8(conn) {
			copy(q.conns[i:], q.conns[i+1:q.n])
			q.n--
			q.conns[q.n] = 0
			return true
		}
	}
	return false
}
