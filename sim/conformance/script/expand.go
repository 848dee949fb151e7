package script

import (
	"fmt"
	"strconv"
	"strings"
)

var escapes = map[byte]byte{
	'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', 'f': '\f', '0': 0,
	's': ' ', '\\': '\\', '$': '$', '@': '@', '#': '#',
}

// Expand replaces the escapes, names and addresses of a step's text; name and addr give
// the values of $x and @x.
func Expand(text string, name, addr func(string) (string, error)) (string, error) {
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
