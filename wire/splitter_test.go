package wire

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// split returns what a Splitter finds in consecutive pieces.
func split(s *Splitter, pieces ...[]byte) []string {
	var found []string
	for _, data := range pieces {
		for {
			line, rest, what := s.Next(data)
			if what == NoLine {
				break
			}
			switch what {
			case LongLine:
				found = append(found, "too long")
			case HTTPRequest:
				found = append(found, "HTTP")
			case TLSHello:
				found = append(found, "TLS")
			default:
				found = append(found, fmt.Sprintf("%q", line))
			}
			data = rest
		}
	}
	return found
}

// TestSplitter checks lines around the limit (BAD-3) and lines in pieces (LINE-6).
func TestSplitter(t *testing.T) {
	for _, c := range []struct {
		data string
		want []string
	}{
		{"", nil},
		{"\n", []string{`""`}},
		{"a", nil},
		{"a\nb\n\nc", []string{`"a"`, `"b"`, `""`}},
		{"1234\n", []string{`"1234"`}},
		{"12345\n1\n", []string{"too long", `"1"`}},
		{"123\r\n", []string{`"123\r"`}},
		{"1234\r\n1\n", []string{"too long", `"1"`}},
		{"12345", []string{"too long"}},
		{"123456789123456789\n12345\n\n1\n", []string{"too long", "too long", `""`, `"1"`}},
	} {
		for size := 1; size <= len(c.data)+1; size++ {
			var pieces [][]byte
			for rest := []byte(c.data); len(rest) > 0; {
				n := min(size, len(rest))
				pieces = append(pieces, rest[:n])
				rest = rest[n:]
			}
			got := split(&Splitter{Max: 4}, pieces...)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%q in pieces of %d:\n%s", c.data, size, diff)
			}
		}
	}
}

// TestForeign checks the beginnings of other protocols, and lines that only look
// like them (BAD-7).
func TestForeign(t *testing.T) {
	for _, c := range []struct {
		data string
		want []string
	}{
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\ng a\n", []string{"HTTP"}},
		{"POST / HTTP/1.0\ng a\n", []string{"HTTP"}},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []string{"HTTP"}},
		{"\ufeffGET / HTTP/1.1\n", []string{"HTTP"}},
		{"POST /0123456789012345678901 HTTP/1.1\r\n\r\ng a\n", []string{"HTTP"}}, // too long
		{"POST /0123456789012345678901", []string{"HTTP"}},
		{"0123456789 0123456789 HTTP/1.1\n", []string{"too long"}},
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1\n", []string{"too long"}},
		{"\x16\x03\x01\x02\x00\x01\x00\n\ng a\n", []string{"TLS"}},
		{"\x16\x03\x03", []string{"TLS"}},
		{"\x16\x03", nil},
		{"\x16\x03\x05\n", []string{`"\x16\x03\x05"`}},
		{"\x16\n\x03\x01\n", []string{`"\x16"`, `"\x03\x01"`}},
		{"g a\nGET / HTTP/1.1\n", []string{`"g a"`, `"GET / HTTP/1.1"`}},
		{"\nGET / HTTP/1.1\n", []string{`""`, `"GET / HTTP/1.1"`}},
		{"g job HTTP/1.1\n", []string{`"g job HTTP/1.1"`}},
		{"GET /\n", []string{`"GET /"`}},
		{"GET HTTP/1.1\n", []string{`"GET HTTP/1.1"`}},
		{"GET / HTTP/1.x\n", []string{`"GET / HTTP/1.x"`}},
		{"GET / HTTP/1.1 \n", []string{`"GET / HTTP/1.1 "`}},
		{" HTTP/1.1\n", []string{`" HTTP/1.1"`}},
		{"GeT / HTTP/1.1\n", []string{`"GeT / HTTP/1.1"`}},
	} {
		for size := 1; size <= len(c.data); size++ {
			var pieces [][]byte
			for rest := []byte(c.data); len(rest) > 0; {
				n := min(size, len(rest))
				pieces = append(pieces, rest[:n])
				rest = rest[n:]
			}
			s := &Splitter{Max: 20}
			got := split(s, pieces...)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%q in pieces of %d:\n%s", c.data, size, diff)
			}
			foreign := len(c.want) == 1 && (c.want[0] == "HTTP" || c.want[0] == "TLS")
			if _, what := s.End(); s.Foreign() != foreign || foreign && (what != NoLine || s.Held() > 0) {
				t.Errorf("%q in pieces of %d: foreign is %v, the end %d", c.data, size, s.Foreign(), what)
			}
		}
	}
}

// TestSplitterPieces checks that the cuts between pieces never change the result, and
// that the memory a Splitter keeps is bounded by the limit.
func TestSplitterPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.SampledFrom([]byte("aG \r\n\n\x00\xff\x16\x03\x01"))).Draw(t, "data")
		limit := rapid.IntRange(1, 12).Draw(t, "limit")
		whole := split(&Splitter{Max: limit}, data)
		s := &Splitter{Max: limit}
		var pieces []string
		for rest := data; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			piece := bytes.Clone(rest[:n])
			pieces = append(pieces, split(s, piece)...)
			clear(piece) // it must not be kept
			rest = rest[n:]
			if len(s.tail) > limit {
				t.Fatalf("%d bytes are kept", len(s.tail))
			}
		}
		if diff := cmp.Diff(whole, pieces); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestSplitterEnd checks the ends of messages (WS-1).
func TestSplitterEnd(t *testing.T) {
	s := &Splitter{Max: 4}
	for _, c := range []struct{ data, want string }{
		{"ab", "ab"}, {"ab\n", ""}, {"", ""}, {"1234", "1234"}, {"12345", ""}, {"ab\ncd", "cd"}, {"x", "x"},
	} {
		split(s, []byte(c.data))
		line, what := s.End()
		if string(line) != c.want || (what == WholeLine) != (c.want != "") {
			t.Errorf("%q ends with %q, %d, want %q", c.data, line, what, c.want)
		}
	}
}

// TestSplitterForgets checks that the buffer of a long line is not kept.
func TestSplitterForgets(t *testing.T) {
	s := new(Splitter)
	long := bytes.Repeat([]byte("x"), DefaultMaxLine)
	split(s, long[:1000], long[1000:], []byte("\n"))
	if cap(s.tail) > keptTail {
		t.Errorf("%d bytes are kept", cap(s.tail))
	}
	if got := split(s, append(long, 'x')); len(got) != 1 || got[0] != "too long" {
		t.Errorf("one byte over the default limit is %.20q", got)
	}
}
