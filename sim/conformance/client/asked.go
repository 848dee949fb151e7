package client

import "bytes"

// Asked keeps the commands that were sent, so that a failure can name the command whose
// reply was wrong. It is not safe for concurrent use, as sending is not.
type Asked struct {
	lines [][]byte // the oldest unanswered first
	torn  []byte   // the beginning of an incomplete line
	Last  []byte   // the command whose reply was read last, or did not come
}

func (a *Asked) sent(p []byte, k Kind) {
	for piece := range bytes.SplitAfterSeq(p, []byte("\n")) {
		a.torn = append(a.torn, piece...)
		if bytes.HasSuffix(piece, []byte("\n")) || k != Packet && len(a.torn) > 0 {
			a.lines = append(a.lines, a.torn)
			a.torn = nil
		}
	}
}

// Answered makes the oldest unanswered command the Last. It is for commands that are
// answered with one line.
func (a *Asked) Answered() {
	a.Last = nil
	if len(a.lines) > 0 {
		a.Last = a.lines[0]
		a.lines = a.lines[1:]
	}
}
