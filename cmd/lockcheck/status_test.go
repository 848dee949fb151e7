package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestStatusLine checks that the line fits into the current width of the terminal.
func TestStatusLine(t *testing.T) {
	var screen bytes.Buffer
	width := 10
	s := &statusLine{w: &screen, width: func() int { return width }}
	s.Clear() // nothing to be cleared
	for _, c := range []struct {
		width int
		text  string
		want  string
	}{
		{10, "123456789", "123456789"},
		{10, "1234567890", "123456789"},
		{5, "1234567890", "1234"},
		{5, "→→→→→→", "→→→→"},
		{20, "one\ntwo", "one"},
		{1, "one", ""},
		{0, strings.Repeat("x", 100), strings.Repeat("x", 79)},
		{-1, strings.Repeat("x", 100), strings.Repeat("x", 79)},
		{110, strings.Repeat("x", 150), strings.Repeat("x", 109)},
	} {
		screen.Reset()
		width = c.width
		s.Show(c.text)
		if got := screen.String(); got != "\r\x1b[K"+c.want {
			t.Errorf("%q on %d columns is shown as %q, want %q", c.text, c.width, got, c.want)
		}
	}
	screen.Reset()
	s.Clear()
	s.Clear()
	if got := screen.String(); got != "\r\x1b[K" {
		t.Errorf("cleared twice, it wrote %q", got)
	}
}

// TestNoTerminal checks that nothing is written to a file that is not a terminal.
func TestNoTerminal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := newStatusLine(f)
	s.Show("one")
	s.Clear()
	if info, err := f.Stat(); err != nil || info.Size() > 0 {
		t.Errorf("%d bytes were written to a file, %v", info.Size(), err)
	}
}
