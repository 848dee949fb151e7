package fuzz

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"lockd/wire"
)

// found appends to to what a Splitter finds in data, as text.
func found(s *wire.Splitter, data []byte, to []byte) []byte {
	for {
		line, rest, what := s.Next(data)
		switch what {
		case wire.NoLine:
			return to
		case wire.LongLine:
			to = append(to, "too long\n"...)
		case wire.HTTPRequest, wire.TLSHello:
			to = append(to, "another protocol\n"...)
		case wire.WholeLine:
			to = append(append(append(to, '='), line...), '\n')
		}
		data = rest
	}
}

// The beginnings of streams in other protocols (BAD-7).
var (
	tlsHello      = regexp.MustCompile("^\x16\x03[\x00-\x04]")
	httpRequest   = regexp.MustCompile(`(?s)^[A-Z]+ .* HTTP/[0-9]\.[0-9]\r?$`)
	httpBeginning = regexp.MustCompile(`^[A-Z]+ `)
)

// isForeign reports whether a stream of lines is in another protocol.
func isForeign(data []byte, lines [][]byte, max int) bool {
	if max >= 3 && tlsHello.Match(data) {
		return true
	}
	first, ended := bytes.CutSuffix(lines[0], []byte("\n"))
	whole := bytes.TrimPrefix(first, []byte("\ufeff"))
	if len(first) > max {
		return httpBeginning.Match(bytes.TrimPrefix(first[:max], []byte("\ufeff")))
	}
	return ended && httpRequest.Match(whole)
}

// FuzzSplitter splits any bytes into any pieces, which must not change the lines, and
// compares the lines with those of bytes.SplitAfter (LINE-1, LINE-6, LINE-12, BAD-3, BAD-7).
func FuzzSplitter(f *testing.F) {
	for _, seed := range []string{"", "g a\nr a\n", "\n\n", "123456789\n12345678\n1234567\n", "no end", "\r\n\x00\n",
		"\ufeffg a\ng b\n", "\ufeff", "GET / HTTP/1.1\r\ng a\n", "GET / HTTP/1.1", "POST /0123456789012345678901234567890\n", "\x16\x03\x01\n", "\n\x16\x03\x01"} {
		f.Add([]byte(seed), []byte{1, 2, 3}, byte(8))
		f.Add([]byte(seed), []byte{1, 2, 3}, byte(20))
	}
	f.Fuzz(func(t *testing.T, data, cuts []byte, limit byte) {
		max := int(limit) + 1
		s := &wire.Splitter{Max: max}
		var pieces []byte
		rest := data
		for _, cut := range cuts {
			n := min(int(cut), len(rest))
			pieces = found(s, rest[:n], pieces)
			rest = rest[n:]
		}
		pieces = found(s, rest, pieces)

		var want []byte
		lines := bytes.SplitAfter(data, []byte("\n"))
		foreign := isForeign(data, lines, max)
		if foreign {
			want = []byte("another protocol\n")
		}
		for i, line := range lines {
			if foreign {
				break
			}
			text, ended := bytes.CutSuffix(line, []byte("\n"))
			switch {
			case len(text) > max:
				want = append(want, "too long\n"...)
			case ended:
				if i == 0 {
					text = bytes.TrimPrefix(text, []byte("\ufeff"))
				}
				want = append(append(append(want, '='), text...), '\n')
			}
		}
		if !bytes.Equal(pieces, want) {
			t.Fatalf("found %q, want %q", pieces, want)
		}
		last := lines[len(lines)-1]
		line, what := s.End()
		ends := len(last) > 0 && len(last) <= max && !foreign
		if len(lines) == 1 {
			last = bytes.TrimPrefix(last, []byte("\ufeff"))
		}
		if ends && len(lines) == 1 && httpRequest.Match(last) {
			ends = false
		}
		if ends != (what == wire.WholeLine) || ends && !bytes.Equal(line, last) {
			t.Fatalf("the end is %q, %d, want %q", line, what, last)
		}
		reached(f, len(want) > 0)
	})
}

// FuzzRequest checks that a request that is parsed, written and parsed again is the same,
// and that parsing does not change its input.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{"g a", " sg  a \t b\r", "q full", "nonsense", "", "iam \x00\xff", "dump shared", "g\u00a0a"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		var p, q wire.Parser
		r := p.Parse(line)
		if !bytes.Equal(line, before) {
			t.Fatalf("%q was changed to %q", before, line)
		}
		if r.Command == wire.Blank || r.Command == wire.Unknown {
			return
		}
		written, ok := wire.AppendRequest(nil, r.Command, string(r.Name))
		if ok == bytes.Contains(r.Name, []byte("\n")) {
			t.Fatalf("writing %q: %v", r.Name, ok)
		}
		if ok {
			again := q.Parse(bytes.TrimSuffix(written, []byte("\n")))
			if again.Command != r.Command || !bytes.Equal(again.Name, r.Name) {
				t.Fatalf("%q is %v %q, then %v %q", line, r.Command, r.Name, again.Command, again.Name)
			}
		}
		reached(f, ok)
	})
}

// FuzzReply checks that a reply that is read, written and read again is the same, in both
// dialects.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		"1 Lock Get Success: a", "0 Cannot Get Lock", "12 Shared Lock Is Locked: b c", "", "x", "01 x", "1", "1 ", "-1 x", "99999999999999999999 x",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, line []byte, classic bool) {
		r, err := wire.ParseReply(line)
		if err != nil {
			if !errors.Is(err, wire.ErrNotLockd) || len(err.Error()) > 400 {
				t.Fatalf("%q: %v", line, err)
			}
			reached(f, false)
			return
		}
		d := wire.Glockd
		if classic {
			d = wire.Classic
		}
		end := d.AppendEnd(nil)
		written := d.AppendReply(nil, r)
		if !bytes.Equal(written, append(bytes.Clone(line), end...)) {
			t.Fatalf("%q was written as %q", line, written)
		}
		again, err := wire.ParseReply(bytes.TrimSuffix(written, end))
		if err != nil || again != r {
			t.Fatalf("%+v, then %+v, %v", r, again, err)
		}
		reached(f, true)
	})
}

// hostile are streams that a client must survive.
var hostile = []string{
	"1 Lock Get Success: a\n0 disabled\n", "1 Got Lock\r\n", "Array\r\n(\r\n    [pid] => 1\r\n)\r\n",
	"command_d: 1\nshared_orphans: 2\n1 ok\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "1 torn", "\n\n\n", "Array\n(\n(\n(\n",
	"x: 18446744073709551616\n", "    [x] => -1\n", strings.Repeat("k: 1\n", 70), "",
}

// readerLimit is the longest line in FuzzReplyReader, in bytes.
const readerLimit = 100

// FuzzReplyReader reads any stream, in any pieces, as the client does. It must not panic
// or take more memory than the limit, and the lines must be those of the stream.
func FuzzReplyReader(f *testing.F) {
	for _, seed := range hostile {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		lines := strings.SplitAfter(string(stream), "\n")
		for _, r := range []io.Reader{bytes.NewReader(stream), iotest.OneByteReader(bytes.NewReader(stream))} {
			reader := wire.NewReplyReader(r, readerLimit)
			for i := 0; ; i++ {
				line, err := reader.Line()
				if err != nil {
					if len(lines[i]) <= readerLimit && (err == io.EOF) != (lines[i] == "") {
						t.Fatalf("line %q: %v", lines[i], err)
					}
					break
				}
				want := strings.TrimSuffix(strings.TrimSuffix(lines[i], "\n"), "\r")
				if string(line) != want {
					t.Fatalf("line %q, want %q", line, want)
				}
			}
		}
		_, err := wire.NewReplyReader(bytes.NewReader(stream), readerLimit).Reply()
		reached(f, err == nil)
	})
}

// FuzzStats reads any stream as statistics, which must be bounded and end.
func FuzzStats(f *testing.F) {
	var figures wire.Figures
	for _, seed := range append(hostile, string(wire.Glockd.AppendStats(nil, &figures)), string(wire.Classic.AppendStats(nil, &figures))) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		stats, err := wire.NewReplyReader(bytes.NewReader(stream), readerLimit).Stats()
		if err == nil {
			lines := bytes.Count(stream, []byte("\n"))
			if len(stats) > lines || len(stats) > 64 {
				t.Fatalf("%d figures in %d lines", len(stats), lines)
			}
		}
		reached(f, err == nil)
	})
}

// TestReaderMemory checks that a server that sends an endless line cannot make a client
// allocate more than its limit.
func TestReaderMemory(t *testing.T) {
	endless := io.LimitReader(repeat('x'), 1<<30)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := wire.NewReplyReader(endless, 0).Line(); !errors.Is(err, wire.ErrNotLockd) {
		t.Errorf("got %v", err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 4<<20 {
		t.Errorf("%d bytes were allocated", taken)
	}
}

type repeat byte

func (r repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}
