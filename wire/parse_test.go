package wire

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestParseInOnePass compares Parse, which has a short way for plain lines, with what it is
// to do: normalize the line, and divide it at the first space.
func TestParseInOnePass(t *testing.T) {
	const odd = "  \t\v\f\r\x00\x1f!~\x7f\x80\xa0\xff"
	pieces := rapid.OneOf(
		rapid.SampledFrom([]string{"g", "r", "sg", "sr", "si", "w", "lw", "iam", "x", "xy", "abcdefg", "abcdefgh", "abcdefghijklmnopq"}),
		rapid.Custom(func(t *rapid.T) string { return odd[rapid.IntRange(0, len(odd)-1).Draw(t, "byte"):][:1] }),
	)
	space := rapid.SampledFrom([]string{"", "", " ", " ", "  ", "\t", "\r"})
	word := rapid.SampledFrom([]string{"g", "sg", "iam", "x"})
	rapid.Check(t, func(t *rapid.T) {
		line := []byte(space.Draw(t, "before") + word.Draw(t, "word") + space.Draw(t, "between"))
		for _, piece := range rapid.SliceOfN(pieces, 0, 4).Draw(t, "pieces") {
			line = append(line, piece...)
		}
		line = append(line, space.Draw(t, "behind")...)
		var p, q Parser
		normal := bytes.Clone(p.normalize(bytes.Clone(line)))
		first, name, _ := bytes.Cut(normal, []byte{' '})
		want := Request{Command: parseCommand(first), Word: first, Name: name}
		if len(normal) == 0 {
			want.Command = Blank
		}
		got := q.Parse(line)
		if got.Command != want.Command || !bytes.Equal(got.Word, want.Word) || !bytes.Equal(got.Name, want.Name) {
			t.Fatalf("%q: got %v %q %q, want %v %q %q", line, got.Command, got.Word, got.Name, want.Command, want.Word, want.Name)
		}
	})
}
