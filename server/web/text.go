package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// mostShown is how many bytes of a name are shown, and mostText the length at which
	// a name with many escapes ends earlier.
	mostShown = 200
	mostText  = 260
	// mostMarks is how many marks may stand upon one letter.
	mostMarks = 2
)

// shown returns a name as a person can read it: bytes that cannot be printed are escaped,
// and so are characters that would change the order or the place of others; a long name is
// cut, and its length is told.
func shown(name string) string {
	var text strings.Builder
	at, marks := 0, 0
	for at < len(name) {
		r, size := utf8.DecodeRuneInString(name[at:])
		if at+size > mostShown || text.Len() > mostText {
			break
		}
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&text, `\x%02x`, name[at])
		case r == '\\' || !unicode.IsPrint(r) || marks > mostMarks:
			text.WriteString(strings.Trim(strconv.QuoteToASCII(string(r)), `"`))
		default:
			text.WriteRune(r)
		}
		at += size
	}
	if at < len(name) {
		fmt.Fprintf(&text, "... (%d bytes)", len(name))
	}
	return text.String()
}

// age returns a time span as in 3m12s, with its two largest units.
func age(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	days, hours := int(d/(24*time.Hour)), int(d/time.Hour)%24
	minutes, seconds := int(d/time.Minute)%60, int(d/time.Second)%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd%02dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh%02dm", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%dm%02ds", minutes, seconds)
	}
	return fmt.Sprintf("%ds", seconds)
}

// count returns a number with its thousands separated.
func count[T int | uint64](n T) string {
	digits := strconv.FormatUint(uint64(n), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// rate returns a number per second: with one decimal if it is small.
func rate(perSecond float64) string {
	if perSecond > 0 && perSecond < 9.95 {
		return strconv.FormatFloat(perSecond, 'f', 1, 64)
	}
	return count(uint64(perSecond + 0.5))
}

// label returns words as the value of a label.
func label(words string) string { return strings.ReplaceAll(words, " ", "_") }
