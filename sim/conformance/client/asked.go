package client

import (
	"bytes"
	"sync"
)

// Asked keeps the commands that were sent, so that a failure can name the command whose
// reply was wrong. It is safe for concurrent use: replies are read while a long input is
// still being sent.
type Asked struct {
	mu    sync.Mutex
	lines [][]byte // the oldest unanswered first
	torn  []byte   // the beginning of an incomplete line
	last  []byte   // the command whose reply was read last, or did not come
}

func (a *Asked) sent(p []byte, k Kind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for piece := range bytes.SplitAfterSeq(p, []byte("\n")) {
		a.torn = append(a.torn, piece...)
		if bytes.HasSuffix(piece, []byte("\n")) || k != Packet && len(a.torn) > 0 {
			a.lines = append(a.lines, a.torn)
			a.torn = nil
		}
	}
}

// Answered makes the oldest unanswered command the last. It is for commands that are
// answered with one line.
func (a *Asked) Answered() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = nil
	if len(a.lines) > 0 {
		a.last = a.lines[0]
		a.lines = a.lines[1:]
	}
}

// Last returns the command whose reply was read last, or did not come; nil if none is
// known.
func (a *Asked) Last() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// Forget forgets all commands.
func (a *Asked) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lines, a.torn, a.last = nil, nil, nil
}
