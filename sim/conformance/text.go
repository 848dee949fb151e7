package conformance

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

var escapes = map[byte]byte{
	'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', 'f': '\f', '0': 0,
	's': ' ', '\\': '\\', '$': '$', '@': '@', '#': '#',
}

// expand replaces the escapes, names and addresses of a script's text.
func expand(text string, name, addr func(string) (string, error)) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
			if i == len(text) {
				return "", fmt.Errorf("%q ends in a backslash", text)
			}
			if text[i] == 'x' {
				if i+2 >= len(text) {
					return "", fmt.Errorf("%q ends within \\xHH", text)
				}
				n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
				if err != nil {
					return "", fmt.Errorf("bad \\xHH in %q", text)
				}
				b.WriteByte(byte(n))
				i += 2
				continue
			}
			c, ok := escapes[text[i]]
			if !ok {
				return "", fmt.Errorf("unknown escape \\%c in %q", text[i], text)
			}
			b.WriteByte(c)
		case '$', '@':
			word, rest := identifier(text[i+1:])
			if word == "" {
				return "", fmt.Errorf("%q: %c without a name: write \\%[2]c", text, text[i])
			}
			of := name
			if text[i] == '@' {
				of = addr
			}
			value, err := of(word)
			if err != nil {
				return "", err
			}
			b.WriteString(value)
			i = len(text) - len(rest) - 1
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), nil
}

// identifier cuts a leading word of lower case letters and digits, or one in
// braces, from text.
func identifier(text string) (word, rest string) {
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		word, rest, _ = strings.Cut(inner, "}")
		return word, rest
	}
	n := 0
	for n < len(text) && (text[n] >= 'a' && text[n] <= 'z' || text[n] >= '0' && text[n] <= '9') {
		n++
	}
	return text[:n], text[n:]
}

// quote shows bytes as a Go string literal, cut in the middle when they are
// many.
func quote(p []byte) string {
	const head, tail = 160, 40
	if len(p) <= head+tail {
		return strconv.Quote(string(p))
	}
	return fmt.Sprintf("%s … %s (%d bytes)", strconv.Quote(string(p[:head])), strconv.Quote(string(p[len(p)-tail:])), len(p))
}

// quoteLines shows bytes as Go string literals, one a line, equal lines once,
// and without the middle when they are many.
func quoteLines(p []byte) string {
	const head, tail = 16, 2
	var rows []string
	for line, n := range runs(bytes.SplitAfter(p, []byte("\n"))) {
		row := quote(line)
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

// runs yields every run of equal lines with its length. The empty piece behind
// the last line end is left out, unless it is all there is.
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
