package wire

import (
	"bytes"
	"strconv"
)

// The largest numbers of the extended level.
const (
	// MaxWait is the longest wait in milliseconds (WAIT-1).
	MaxWait = 1_000_000_000_000
	// MaxBound is the largest bound (BOUND-1).
	MaxBound = 1_000_000_000
	// MaxNumber is the largest number of a connection, and the largest token.
	MaxNumber = 1<<63 - 1
)

// Acquire is what w and b ask for.
type Acquire struct {
	Bounded bool  // a shared lock with Bound, else an exclusive lock
	Bound   int   // 0 to MaxBound
	Wait    int64 // milliseconds, 0 to MaxWait; of w only
	Name    []byte
}

// ParseAcquire parses the arguments of a request w or b. It returns false if they are
// malformed (EXT-1). Name points into the request.
func ParseAcquire(r Request) (Acquire, bool) {
	var a Acquire
	ok := true
	rest := r.Name
	if r.Command == Wait {
		var ms uint64
		if ms, rest, ok = cutNumber(rest, MaxWait); !ok {
			return a, false
		}
		a.Wait = int64(ms)
		word, arguments, _ := bytes.Cut(rest, []byte{' '})
		rest = arguments
		switch string(word) {
		case "g":
			a.Name = rest
			return a, true
		case "b":
		default:
			return a, false
		}
	}
	a.Bounded = true
	bound, name, ok := cutNumber(rest, MaxBound)
	a.Bound, a.Name = int(bound), name
	return a, ok
}

// AppendAcquire appends the line of w or, without wait, of b or g. A name with an LF
// cannot be sent: AppendAcquire returns dst unchanged, and false.
func AppendAcquire(dst []byte, a Acquire, wait bool) ([]byte, bool) {
	if bytes.IndexByte(a.Name, '\n') >= 0 {
		return dst, false
	}
	if wait {
		dst = append(dst, "w "...)
		dst = append(strconv.AppendInt(dst, a.Wait, 10), ' ')
	}
	if a.Bounded {
		dst = append(dst, "b "...)
		dst = strconv.AppendInt(dst, int64(a.Bound), 10)
	} else {
		dst = append(dst, 'g')
	}
	if len(a.Name) > 0 {
		dst = append(append(dst, ' '), a.Name...)
	}
	return append(dst, '\n'), true
}

// KillRequest is what k asks for: to end a connection, with WithToken only if it holds
// the grant Token.
type KillRequest struct {
	Conn, Token uint64
	WithToken   bool
}

// ParseKill parses the arguments of a request k. It returns false if they are malformed
// (EXT-1).
func ParseKill(r Request) (k KillRequest, ok bool) {
	conn, rest, ok := cutNumber(r.Name, MaxNumber)
	k.Conn = conn
	if !ok || len(rest) == 0 {
		return k, ok
	}
	k.WithToken = true
	k.Token, rest, ok = cutNumber(rest, MaxNumber)
	return k, ok && len(rest) == 0
}

// cutNumber cuts a number off the beginning of some arguments, and the space behind it.
// A number is digits without sign or leading zero (EXT-1).
func cutNumber(arguments []byte, most uint64) (n uint64, rest []byte, ok bool) {
	digits, rest, _ := bytes.Cut(arguments, []byte{' '})
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(digits) > 1 {
		return 0, rest, false
	}
	for _, b := range digits {
		if b < '0' || b > '9' {
			return 0, rest, false
		}
		n = 10*n + uint64(b-'0')
	}
	return n, rest, n <= most
}
