package loop

// slots maps the token of an event to its connection or listener. A token is the index
// of a slot and how often the slot was used: a late event of a closed descriptor finds
// nothing, rather than a new connection with the same number.
type slots struct {
	all  []slot
	free []uint32
	used int
}

type slot struct {
	generation uint32
	what       any // *conn or *listener; nil if free
}

// add puts a connection or listener into a slot and returns its token.
func (s *slots) add(what any) uint64 {
	if len(s.free) == 0 {
		s.free = append(s.free, uint32(len(s.all)))
		s.all = append(s.all, slot{})
	}
	at := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	s.all[at].what = what
	s.used++
	return uint64(s.all[at].generation)<<32 | uint64(at)
}

// of returns the connection or listener with a token, nil if it was removed.
func (s *slots) of(token uint64) any {
	at := uint32(token)
	if int(at) >= len(s.all) || s.all[at].generation != uint32(token>>32) {
		return nil
	}
	return s.all[at].what
}

// remove frees the slot of a token. The token is never reused.
func (s *slots) remove(token uint64) {
	at := uint32(token)
	if s.of(token) == nil {
		return
	}
	s.all[at] = slot{generation: s.all[at].generation + 1}
	s.free = append(s.free, at)
	s.used--
}
