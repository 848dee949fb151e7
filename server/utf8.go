package server

import "unicode/utf8"

// utf8Check checks that a text message is UTF-8. A piece of it may end inside a
// character. The zero value is ready for use.
type utf8Check struct {
	tail [utf8.UTFMax]byte
	n    int // bytes in tail, of an incomplete character
}

// valid says whether the pieces so far can be the beginning of UTF-8.
func (c *utf8Check) valid(piece []byte) bool {
	for c.n > 0 && len(piece) > 0 {
		c.tail[c.n], piece = piece[0], piece[1:]
		c.n++
		if utf8.FullRune(c.tail[:c.n]) {
			if !utf8.Valid(c.tail[:c.n]) {
				return false
			}
			c.n = 0
		}
	}
	for i := len(piece) - 1; i >= 0 && i >= len(piece)-utf8.UTFMax; i-- {
		if utf8.RuneStart(piece[i]) {
			if !utf8.FullRune(piece[i:]) {
				c.n = copy(c.tail[:], piece[i:])
				piece = piece[:i]
			}
			break
		}
	}
	return utf8.Valid(piece)
}

// whole says whether the pieces so far end with a complete character.
func (c *utf8Check) whole() bool { return c.n == 0 }
