package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// statusLine shows progress in the last line of a terminal. It is safe for concurrent
// use.
type statusLine struct {
	w     io.Writer  // nil: nothing is shown
	width func() int // current columns of the terminal; 0 if unknown

	mu    sync.Mutex
	shown bool
}

// newStatusLine returns the status line of a file. It shows nothing if the file is not a
// terminal.
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

// Show replaces the line. It is cut to the width of the terminal, since a wrapped line
// cannot be cleared.
func (s *statusLine) Show(text string) {
	if s.w == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = true
	fmt.Fprintf(s.w, "\r\x1b[K%s", cut(text, s.width()))
}

// Clear clears the line, so that other lines can be printed.
func (s *statusLine) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		s.shown = false
		fmt.Fprint(s.w, "\r\x1b[K")
	}
}

// cut shortens a text to one line that leaves the last column free, where some terminals
// wrap. Every character counts as one column.
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
