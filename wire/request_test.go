package wire

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestParse checks the grammar: LINE-2, LINE-3, LINE-8 to LINE-11, SPACE-1, SPACE-2.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		line, name string
		command    Command
	}{
		{"", "", Blank},
		{" \t\v\f\r ", "", Blank},
		{"g", "", Get},
		{"g ", "", Get},
		{"g job", "job", Get},
		{"g job\r", "job", Get},
		{"g job\r\r\r", "job", Get},
		{" g  a \t\r b ", "a b", Get},
		{"g\tjob", "job", Get},
		{"g\rjob", "job", Get},
		{"r a", "a", Release},
		{"i a", "a", Inspect},
		{"sg a", "a", GetShared},
		{"sr a", "a", ReleaseShared},
		{"si a", "a", InspectShared},
		{"q full", "full", Stats},
		{"d a", "a", Holders},
		{"sd a", "a", SharedHolders},
		{"dump shared", "shared", Dump},
		{"me", "", Me},
		{"iam a b", "a b", Iam},
		{"who", "", Who},
		{"v", "", Version},
		{"w 5 g a", "5 g a", Wait},
		{"w", "", Wait},
		{"b 3 a b", "3 a b", GetBounded},
		{"t a", "a", Token},
		{"st a", "a", SharedToken},
		{"l a", "a", List},
		{"lw a", "a", ListWaiters},
		{"k 5 6", "5 6", Kill},
		{"ww", "", Unknown},
		{"x", "", Unknown},
		{"G a", "a", Unknown},
		{"gjob", "", Unknown},
		{"g\x00", "", Unknown},
		{"g\u00a0job", "", Unknown},
		{"g \u00a0job", "\u00a0job", Get},
		{"g \x85\x1c", "\x85\x1c", Get},
		{"g \x00", "\x00", Get},
	} {
		var p Parser
		line := []byte(c.line)
		r := p.Parse(line)
		if r.Command != c.command || string(r.Name) != c.name {
			t.Errorf("%q is %v %q, want %v %q", c.line, r.Command, r.Name, c.command, c.name)
		}
		if string(line) != c.line {
			t.Errorf("%q was changed to %q", c.line, line)
		}
	}
}

// TestNormalize compares normalize with a regular expression (SPACE-1, SPACE-2).
func TestNormalize(t *testing.T) {
	runs := regexp.MustCompile(`[ \t\v\f\r]+`)
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SliceOf(rapid.SampledFrom([]byte("ab  \t\v\f\r\x00\x85\xa0\xff"))).Draw(t, "line")
		latin := make([]rune, len(line)) // the regexp package matches runes, not bytes
		for i, b := range line {
			latin[i] = rune(b)
		}
		var want []byte
		for _, r := range strings.Trim(runs.ReplaceAllString(string(latin), " "), " ") {
			want = append(want, byte(r))
		}
		var p Parser
		if got := p.normalize(line); !bytes.Equal(got, want) {
			t.Fatalf("%q became %q, want %q", line, got, want)
		}
	})
}

// TestRequestRoundTrip checks that parse, write, parse is the identity.
func TestRequestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SliceOf(rapid.SampledFrom([]byte("gsriqdumpewhoa  \t\r\x00\xff"))).Draw(t, "line")
		if rapid.Bool().Draw(t, "known") {
			command := Command(rapid.IntRange(int(Get), int(NumCommands)-1).Draw(t, "command"))
			line = append([]byte(command.String()+" "), line...)
		}
		var p, q Parser
		r := p.Parse(line)
		if r.Command == Blank || r.Command == Unknown {
			return
		}
		written, ok := AppendRequest(nil, r.Command, string(r.Name))
		if !ok || written[len(written)-1] != '\n' {
			t.Fatalf("%q was written as %q, %v", line, written, ok)
		}
		again := q.Parse(written[:len(written)-1])
		if again.Command != r.Command || !bytes.Equal(again.Name, r.Name) || !bytes.Equal(again.Word, r.Word) {
			t.Fatalf("%q is %+v, then %+v", line, r, again)
		}
	})
}

// TestAppendRequest checks that a name that would be two lines is not sent.
func TestAppendRequest(t *testing.T) {
	if got, ok := AppendRequest([]byte("x"), Get, "a\nr a"); ok || string(got) != "x" {
		t.Errorf("got %q, %v", got, ok)
	}
	if got, _ := AppendRequest(nil, Stats, ""); string(got) != "q\n" {
		t.Errorf("got %q", got)
	}
}

// TestCommands checks that every command has a word that parses as that command.
func TestCommands(t *testing.T) {
	for command := Get; command < NumCommands; command++ {
		if parseCommand([]byte(command.String())) != command {
			t.Errorf("%q is not command %d", command, command)
		}
		if slices.Contains(commandKeys[:], command) == command.Extended() {
			t.Errorf("the statistics show %q: %v (STATS-2, EXT-2)", command, command.Extended())
		}
	}
}
