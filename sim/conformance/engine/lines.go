package engine

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"lockd/sim/conformance/transcript"
)

// trimEnd removes LF or CR LF: only <ending checks which of them it is [REPLY-3].
func trimEnd(line []byte) string {
	return strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
}

// integer returns the INT of a reply, or -1.
func integer(line string) int {
	word, _, ok := strings.Cut(line, " ")
	if !ok {
		return -1
	}
	n, err := strconv.ParseUint(word, 10, 63)
	if err != nil {
		return -1
	}
	return int(n)
}

// outcome turns yes, no or a number into an INT.
func outcome(word string) (int, error) {
	switch word {
	case "yes":
		return 1, nil
	case "no":
		return 0, nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is neither yes, no nor a number", word)
	}
	return n, nil
}

// Listing quotes lines, one per row if there are several.
func Listing(lines []string) string {
	switch len(lines) {
	case 0:
		return "nothing"
	case 1:
		return transcript.Quote([]byte(lines[0]))
	}
	var b strings.Builder
	const most = 12
	for i, line := range lines {
		if i == most {
			fmt.Fprintf(&b, "\n… %d lines more", len(lines)-most)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(transcript.Quote([]byte(line)))
	}
	return b.String()
}

// IsEnd reports whether a stream has ended without a failure.
func IsEnd(err error) bool { return errors.Is(err, io.EOF) }
