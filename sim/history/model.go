package history

import (
	"math/bits"

	"github.com/anishathalye/porcupine"
)

// progress is the state of the connections in every model: which have ended, and how
// many operations of each have taken effect. It follows from the set of operations that
// porcupine has ordered so far, so it takes no part in the comparison of states.
type progress struct {
	ended uint64
	next  [maxConns]uint16
}

// admit says whether an operation may come next, and whether it takes effect. The
// operations of one connection take effect in order. An unanswered one may come after
// the end of its connection, and then has no effect.
func (p *progress) admit(in *input) (legal, effective bool) {
	switch {
	case in.op.Command == End:
		if p.next[in.conn] < in.seq {
			return false, false
		}
		p.ended |= 1 << in.conn
		return true, true
	case p.ended&(1<<in.conn) != 0:
		return !in.op.Answered, false
	case p.next[in.conn] != in.seq:
		return false, false
	}
	p.next[in.conn]++
	return true, true
}

// nameState is the state of one name in one table.
type nameState struct {
	progress
	lockState
}

// lockState is nameState without the progress of the connections.
type lockState struct {
	holder  int    // exclusive: the connection, or -1
	holders uint64 // shared: the set of connections
	bounds  bounds // of the holders, and of those that wait
	queue   queue
	granted uint64          // connections whose wait has ended with the lock, and that was not seen yet
	counts  [maxConns]uint8 // how many holders there were when it did
}

// bounds has a bound plus one for each connection that has acquired a shared lock by b,
// or waits for one; 0 for the others.
type bounds [maxConns]uint8

// queue is the connections that wait, the first in front.
type queue struct {
	conns [maxWaiting]int8
	n     int
}

// free is a lock that nobody holds.
var free = lockState{holder: -1}

// maxWaiting is how many connections of one history may wait for one name at a time.
const maxWaiting = 12

// modelOfOne is the model of a single name in a single table.
func modelOfOne(classic bool, v view) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return nameState{lockState: free} },
		Step: func(state, in, _ any) (bool, any) {
			s, op := state.(nameState), in.(input)
			legal, effective := s.admit(&op)
			if !legal || !effective {
				return legal, s
			}
			return s.step(&op, classic), s
		},
		Equal: func(a, b any) bool {
			x, y := a.(nameState), b.(nameState)
			return x.lockState == y.lockState
		},
		Hash: func(state any) uint64 {
			s := state.(nameState)
			return s.hash()
		},
		DescribeOperation: v.operation,
		DescribeState:     func(state any) string { return v.state(state.(nameState).lockState) },
	}
}

func (s *lockState) hash() uint64 {
	sum := s.holders*31 + uint64(s.holder) + s.granted*131
	for _, c := range s.queue.conns[:s.queue.n] {
		sum = sum*1099511628211 + uint64(c) + 1
	}
	return sum
}

// step changes the state, and says whether the answer fits.
func (s *lockState) step(in *input, classic bool) bool {
	switch {
	case in.over:
		return s.over(in)
	case in.op.waits():
		return s.stand(in)
	}
	want := s.apply(in, classic)
	s.serve()
	return !in.op.Answered || in.op.Value == want
}

// apply changes the state and returns the answer.
func (s *lockState) apply(in *input, classic bool) int {
	bit := uint64(1) << in.conn
	switch in.op.Command {
	case End:
		if s.holder == in.conn {
			s.holder = -1
		}
		s.holders &^= bit
		s.bounds[in.conn] = 0
		s.queue.remove(in.conn)
	case Get:
		if s.holder == in.conn {
			return number(!classic)
		}
		if s.holder >= 0 || s.queue.n > 0 { // nobody gets in between [WAIT-3]
			return 0
		}
		s.holder = in.conn
		return 1
	case Release:
		if s.holder != in.conn {
			return 0
		}
		s.holder = -1
		return 1
	case Inspect:
		return number(s.holder >= 0)
	case GetShared:
		s.holders |= bit
		return bits.OnesCount64(s.holders)
	case GetBounded:
		if s.holders&bit == 0 && (s.queue.n > 0 || !s.admits(in.op.Bound)) || s.holders&bit != 0 && s.bounds[in.conn] != uint8(in.op.Bound+1) {
			return 0
		}
		s.holders |= bit
		s.bounds[in.conn] = uint8(in.op.Bound + 1)
		return bits.OnesCount64(s.holders)
	case ReleaseShared:
		held := s.holders&bit != 0
		s.holders &^= bit
		s.bounds[in.conn] = 0
		return number(held)
	case InspectShared:
		return bits.OnesCount64(s.holders)
	}
	return in.op.Value // an end, which has no answer
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
