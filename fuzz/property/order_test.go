package property

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lockd/server/core"
)

// pairs returns the lines of d, sd or who.
func pairs(reply string) []string {
	return strings.FieldsFunc(reply, func(r rune) bool { return r == '\n' })
}

func contains(text, part string) bool { return strings.Contains("\n"+text, part) }

// TestOrder checks the order of d and sd (DUMP-11): by name, bytewise, and within a name
// in the order in which the holders got it.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCore(core.Config{Dump: true})
		var got []sent // acquisitions of shared locks, in order
		for _, s := range drawLines(t, "lines", []string{"b", "a", "B", "\xff", "a\x00"}) {
			before := slices.Contains(got, s)
			yes := ask(c, s)[0] != '0'
			switch command, _, _ := strings.Cut(s.line, " "); {
			case command == "sg" && !before:
				got = append(got, s)
			case command == "sr" && yes:
				s.line = "sg" + strings.TrimPrefix(s.line, "sr")
				got = slices.DeleteFunc(got, func(o sent) bool { return o == s })
			}
		}
		exclusive := pairs(ask(c, sent{0, "d\n"}))
		if !slices.IsSortedFunc(exclusive, func(a, b string) int { return strings.Compare(nameOf(a), nameOf(b)) }) {
			t.Fatalf("d is not in order: %q", exclusive)
		}
		slices.SortStableFunc(got, func(a, b sent) int { return strings.Compare(a.name(), b.name()) })
		var want []string
		for _, s := range got {
			want = append(want, s.name()+": h:"+string(rune('0'+s.conn)))
		}
		if shared := pairs(ask(c, sent{0, "sd\n"})); !slices.Equal(shared, want) {
			t.Fatalf("sd is %q, want %q", shared, want)
		}
	})
}

// name returns the name in a line with a lock command.
func (s sent) name() string {
	_, name, _ := strings.Cut(strings.TrimSuffix(s.line, "\n"), " ")
	return name
}

// nameOf returns the name in a line of d.
func nameOf(line string) string { return line[:strings.LastIndex(line, ": ")] }
