package wire

import (
	"bytes"
	"strconv"
)

// Refusal is an answer no of the extended level.
type Refusal uint8

// The refusals, each of which is followed by the name.
const (
	Full        Refusal = iota // BOUND-2
	AlreadyHeld                // BOUND-3
	TimedOut                   // WAIT-4
	Cancelled                  // WAIT-6, WAIT-7
	NotHeld                    // TOKEN-2
)

var refusals = [...]string{
	Full:        "0 Shared Lock Full: ",
	AlreadyHeld: "0 Shared Lock Held: ",
	TimedOut:    "0 Wait Timeout: ",
	Cancelled:   "0 Wait Cancelled: ",
	NotHeld:     "0 Lock Not Held: ",
}

// AppendRefusal appends a refusal.
func (d Dialect) AppendRefusal(dst []byte, r Refusal, name []byte) []byte {
	dst = append(dst, refusals[r]...)
	return d.AppendEnd(append(dst, name...))
}

// AppendUsage appends the reply to a malformed request (EXT-1).
func (d Dialect) AppendUsage(dst []byte, r Request) []byte {
	usage := "w MS g NAME"
	switch {
	case r.Command == GetBounded:
		usage = "b N NAME"
	case r.Command == Kill:
		usage = "k CONN TOKEN"
	case meansBounded(r):
		usage = "w MS b N NAME"
	}
	return d.AppendEnd(append(append(dst, "0 Usage: "...), usage...))
}

// meansBounded says whether a malformed request w is meant for b.
func meansBounded(r Request) bool {
	_, rest, _ := bytes.Cut(r.Name, []byte{' '})
	word, _, _ := bytes.Cut(rest, []byte{' '})
	return string(word) == "b"
}

// AppendToken appends the reply to t and st (TOKEN-2).
func (d Dialect) AppendToken(dst []byte, token uint64, name []byte) []byte {
	dst = append(strconv.AppendUint(dst, token, 10), " Lock Token: "...)
	return d.AppendEnd(append(dst, name...))
}

// AppendKilled appends the reply to k (KILL-1), and its refusal (KILL-2).
func (d Dialect) AppendKilled(dst []byte, killed bool, conn uint64) []byte {
	if killed {
		dst = append(dst, "1 Killed: "...)
	} else {
		dst = append(dst, "0 No Such Connection: "...)
	}
	return d.AppendEnd(strconv.AppendUint(dst, conn, 10))
}

// AppendThisConnection appends the reply to k without arguments (KILL-4).
func (d Dialect) AppendThisConnection(dst []byte, conn uint64) []byte {
	return d.AppendEnd(append(strconv.AppendUint(dst, conn, 10), " This Connection"...))
}

// AppendVersion appends the reply to v (VERSION-1).
func (d Dialect) AppendVersion(dst []byte, version string, features ...string) []byte {
	dst = append(append(dst, "1 lockd "...), version...)
	for _, feature := range features {
		dst = append(append(dst, ' '), feature...)
	}
	return d.AppendEnd(dst)
}
