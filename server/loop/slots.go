package loop

// slots finds what an event is about by its token: the place of a slot, and how
// often that was used. So an event that was on its way when its descriptor was
// closed finds nothing, not the next that was given the number.
type slots struct {
	all  []slot
	free []uint32
	used int
}

type slot struct {
	generation uint32
	what       any // *conn or *listener; nil if free
}

// add puts something into a slot and returns its token.
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

// of returns what has a token, nil if nothing has it any more.
func (s *slots) of(token uint64) any {
	at := uint32(token)
	if int(at) >= len(s.all) || s.all[at].generation != uint32(token>>32) {
		return nil
	}
	return s.all[at].what
}

// remove frees the slot of a token, which will not be used again.
func (s *slots) remove(token uint64) {
	at := uint32(token)
	if s.of(token) == nil {
		return
	}
	s.all[at] = slot{generation: s.all[at].generation + 1}
	s.free = append(s.free, at)
	s.used--
}
