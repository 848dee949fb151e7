package client

import "bytes"

// Asked remembers the commands sent, so that a failure can name the one whose
// answer it is about. It is not safe for concurrent use, as sending is not.
type Asked struct {
	lines [][]byte // the oldest unanswered first
	torn  []byte   // the beginning of a line
	Last  []byte   // the one whose answer was read last, or waited for in vain
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

// Answered takes the command that the next line is the answer to, where every
// command is answered with one line.
func (a *Asked) Answered() {
	a.Last = nil
	if len(a.lines) > 0 {
		a.Last = a.lines[0]
		a.lines = a.lines[1:]
	}
}
