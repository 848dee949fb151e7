package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// statusLine is the last line of a terminal, which tells how far some work is. It is
// safe for concurrent use.
type statusLine struct {
	w     io.Writer  // nil: nothing is shown
	width func() int // columns of the terminal now; 0 if nobody knows

	mu    sync.Mutex
	shown bool
}

// newStatusLine returns the status line of a file, which shows nothing if that is
// no terminal.
func newStatusLine(f *os.File) *statusLine {
	if !term.IsTerminal(int(f.Fd())) {
		return &statusLine{}
	}
	return &statusLine{w: f, width: func() int {
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0
		}
		return width
	}}
}

// Show replaces the line. It is cut to the width of the terminal, since a line that
// is wrapped cannot be wiped.
func (s *statusLine) Show(text string) {
	if s.w == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = true
	fmt.Fprintf(s.w, "\r\x1b[K%s", cut(text, s.width()))
}

// Clear wipes the line, so that other lines can be printed.
func (s *statusLine) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		s.shown = false
		fmt.Fprint(s.w, "\r\x1b[K")
	}
}

// cut shortens a text to one line that leaves the last column free, in which some
// terminals wrap. Every character counts as one column.
func cut(text string, width int) string {
	if width <= 0 {
		width = 80
	}
	columns := 0
	for at, r := range text {
		if r == '\n' || columns == width-1 {
			return text[:at]
		}
		columns++
	}
	return text
}
