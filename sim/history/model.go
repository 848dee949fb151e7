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
	holder  int    // exclusive: the connection, or -1
	holders uint64 // shared: the set of connections
}

// modelOfOne is the model of a single name in a single table.
func modelOfOne(classic bool, v view) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return nameState{holder: -1} },
		Step: func(state, in, _ any) (bool, any) {
			s, op := state.(nameState), in.(input)
			legal, effective := s.admit(&op)
			if !legal || !effective {
				return legal, s
			}
			want := s.apply(&op, classic)
			return !op.op.Answered || op.op.Value == want, s
		},
		Equal: func(a, b any) bool {
			x, y := a.(nameState), b.(nameState)
			return x.holder == y.holder && x.holders == y.holders
		},
		Hash: func(state any) uint64 {
			s := state.(nameState)
			return s.holders*31 + uint64(s.holder)
		},
		DescribeOperation: v.operation,
		DescribeState:     func(state any) string { return v.holders(state.(nameState)) },
	}
}

// apply changes the state and returns the answer.
func (s *nameState) apply(in *input, classic bool) int {
	bit := uint64(1) << in.conn
	switch in.op.Command {
	case End:
		if s.holder == in.conn {
			s.holder = -1
		}
		s.holders &^= bit
	case Get:
		if s.holder == in.conn {
			return number(!classic)
		}
		if s.holder >= 0 {
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
	case ReleaseShared:
		held := s.holders&bit != 0
		s.holders &^= bit
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
