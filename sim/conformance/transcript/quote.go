package transcript

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Quote returns bytes as a Go string literal, without the middle if they are many.
func Quote(p []byte) string {
	const head, tail = 160, 40
	if len(p) <= head+tail {
		return strconv.Quote(string(p))
	}
	return fmt.Sprintf("%s … %s (%d bytes)", strconv.Quote(string(p[:head])), strconv.Quote(string(p[len(p)-tail:])), len(p))
}

// quoteLines returns bytes as Go string literals, one per line. It shows a run of equal
// lines once, and leaves out the middle if there are many.
func quoteLines(p []byte) string {
	const head, tail = 16, 2
	var rows []string
	for line, n := range runs(bytes.SplitAfter(p, []byte("\n"))) {
		row := Quote(line)
		if n > 1 {
			row += fmt.Sprintf("   %d times", n)
		}
		rows = append(rows, row)
	}
	if over := len(rows) - head - tail; over > 1 {
		middle := fmt.Sprintf("… %d lines …", over)
		rows = slices.Concat(rows[:head], []string{middle}, rows[len(rows)-tail:])
	}
	return strings.Join(rows, "\n")
}

// runs yields every run of equal lines with its length. It leaves out the empty piece
// behind the last line end, unless there is no other.
func runs(lines [][]byte) iter.Seq2[[]byte, int] {
	if n := len(lines); n > 1 && len(lines[n-1]) == 0 {
		lines = lines[:n-1]
	}
	return func(yield func([]byte, int) bool) {
		for len(lines) > 0 {
			n := 1
			for n < len(lines) && bytes.Equal(lines[n], lines[0]) {
				n++
			}
			if !yield(lines[0], n) {
				return
			}
			lines = lines[n:]
		}
	}
}
