package server

import "unicode/utf8"

// utf8Check tells whether the pieces of a text message are UTF-8, of which a piece
// may end inside a character. The zero value is ready for use.
type utf8Check struct {
	tail [utf8.UTFMax]byte
	n    int // bytes in tail, of a character that has begun
}

// valid says whether what came so far can be the beginning of UTF-8.
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

// whole says whether it has not ended inside a character.
func (c *utf8Check) whole() bool { return c.n == 0 }
