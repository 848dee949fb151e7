package loop

import "testing"

// TestSlots checks that a token is never reused, and that a removed token finds
// nothing.
func TestSlots(t *testing.T) {
	var s slots
	seen := map[uint64]bool{}
	var old []uint64
	for round := range 50 {
		var tokens []uint64
		for i := range 1 + round%7 {
			c := new(conn)
			token := s.add(c)
			if seen[token] {
				t.Fatalf("the token %x is reused", token)
			}
			seen[token] = true
			if s.of(token) != any(c) {
				t.Fatalf("the token %x finds %v", token, s.of(token))
			}
			if i%2 == 0 {
				tokens = append(tokens, token)
			}
		}
		used := s.used
		for _, token := range tokens {
			s.remove(token)
			s.remove(token) // does nothing
		}
		if s.used != used-len(tokens) {
			t.Fatalf("%d slots are used, want %d", s.used, used-len(tokens))
		}
		for _, token := range append(old, tokens...) {
			if s.of(token) != nil {
				t.Fatalf("the token %x finds %v after its removal", token, s.of(token))
			}
		}
		old = append(old, tokens...)
	}
	if s.of(1<<40) != nil || s.of(^uint64(0)) != nil {
		t.Error("an unknown token finds something")
	}
}
