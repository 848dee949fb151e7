package model

import (
	"bytes"
	"slices"
)

// awaited is a command whose reply comes later [REPLY-4].
type awaited struct {
	command string
	name    []byte
}

// Await is Receive, or EndMessage if data is empty, for bytes that complete one line
// whose reply comes later. It returns false if the reply must come at once: only replies
// with tables may come later.
func (s *Server) Await(id uint64, data []byte) bool {
	c := s.conns[id]
	if c == nil || c.skipping || c.awaited != nil {
		return false
	}
	c.line = append(c.line, bytes.TrimSuffix(data, []byte{'\n'})...)
	line := squeeze(c.wholeLine())
	c.line, c.begun = nil, true
	word, name, _ := bytes.Cut(line, []byte{' '})
	if isList(word) && !s.cfg.Classic {
		s.extended++
		c.awaited = &awaited{string(word), bytes.Clone(name)}
		return true
	}
	index := s.lookup(word)
	if index < 0 || !slices.Contains([]string{"d", "sd", "dump", "who", "q"}, string(word)) {
		return false
	}
	s.counts[index]++
	c.awaited = &awaited{commands[index], bytes.Clone(name)}
	return true
}

// Waits says whether a connection waits for a reply.
func (s *Server) Waits(id uint64) bool { return s.conns[id] != nil && s.conns[id].awaited != nil }

// Awaiting returns the connections that wait for a reply, and the reply that each would
// get now.
func (s *Server) Awaiting() map[uint64][]byte {
	replies := map[uint64][]byte{}
	for id, c := range s.conns {
		if c.awaited != nil {
			s.out = s.out[:0]
			s.perform(c, c.awaited.command, c.awaited.name)
			replies[id] = bytes.Clone(s.out)
		}
	}
	return replies
}

// Answered ends the wait of a connection.
func (s *Server) Answered(id uint64) {
	if c := s.conns[id]; c != nil {
		c.awaited = nil
	}
}
