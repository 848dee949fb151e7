package lock

// Token is the number of one grant (TOKEN-1): the higher of the last one plus one and
// the time of the grant. It is never 0.
type Token uint64

// TokenBits is how many tokens a millisecond has room for, as a power of two: two
// million grants a second on average. A token is below 2^53 until the year 2109.
const TokenBits = 11

// TokenAt returns the first token of a moment, in milliseconds since 1970.
func TokenAt(ms int64) Token { return Token(max(ms, 0)) << TokenBits }

// Millisecond returns the moment of a grant, in milliseconds since 1970. It is later
// than the grant if tokens are ahead of the clock (TOKEN-4).
func (t Token) Millisecond() int64 { return int64(t >> TokenBits) }

// stamps gives out growing numbers, which tell the time of a clock as long as they are
// not ahead of it.
type stamps struct{ last Token }

func (s *stamps) next(now Token) Token {
	s.last = max(s.last+1, now)
	return s.last
}

// SetTime sets the time of the grants that follow, in milliseconds since 1970.
func (m *Machine) SetTime(ms int64) { m.now = TokenAt(ms) }

// LastToken returns the last token that was given out.
func (m *Machine) LastToken() Token { return m.tokens.last }

// Token returns the token of the exclusive lock with that name, and whether the
// connection holds it (TOKEN-2).
func (m *Machine) Token(id Conn, name []byte) (Token, bool) {
	c, l := m.conn(id), m.exclusive.named(name)
	if c == nil || l == nil || l.owner != c.slot {
		return 0, false
	}
	return c.exclusive[l.at()].token, true
}

// SharedToken returns the token of the connection's holding of the shared lock with
// that name, and whether it is a holder (TOKEN-2).
func (m *Machine) SharedToken(id Conn, name []byte) (Token, bool) {
	l := m.sharedLock(name)
	if l == nil {
		return 0, false
	}
	at := l.find(id)
	if at < 0 {
		return 0, false
	}
	return l.holding(at).token, true
}

// Holds says whether a connection holds the grant with that token. It takes time
// proportional to what the connection holds.
func (m *Machine) Holds(id Conn, token Token) bool {
	c := m.conn(id)
	if c == nil {
		return false
	}
	for i := range c.exclusive {
		if c.exclusive[i].token == token {
			return true
		}
	}
	for i := range c.shared {
		if c.shared[i].token == token {
			return true
		}
	}
	return false
}
