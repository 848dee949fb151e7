package wire

import "bytes"

// DefaultMaxLine is the default limit of a line in bytes (BAD-3).
const DefaultMaxLine = 65536

// byteOrderMark is skipped at the beginning of a stream (LINE-12).
var byteOrderMark = []byte("\ufeff")

// keptTail is the capacity in bytes up to which a Splitter keeps its buffer
// between lines, so that an idle connection costs little.
const keptTail = 512

// Split is what Splitter.Next found.
type Split uint8

const (
	// NoLine means that no further line has ended: all input has been taken.
	NoLine Split = iota
	// WholeLine means that a line has ended.
	WholeLine
	// LongLine means that a line has just exceeded the limit; the rest of it is
	// dropped as it arrives.
	LongLine
	// HTTPRequest means that the first line was, or began like, an HTTP request line,
	// TLSHello that the stream began with a TLS handshake (BAD-7): there are no
	// lines, and all further input is ignored.
	HTTPRequest
	TLSHello
)

// Splitter splits the bytes of one connection into lines (LINE-1, LINE-6), the first
// without a byte order mark (LINE-12), however the bytes are cut into pieces. It
// buffers at most one line of Max bytes. The zero value is ready for use. A Splitter
// is not safe for concurrent use.
type Splitter struct {
	// Max is the longest line in bytes, without its LF; 0 is DefaultMaxLine.
	Max int

	tail     []byte // the beginning of an unfinished line
	begun    bool   // a first line has ended, or is being dropped
	returned bool   // tail was returned as a line and must be emptied
	dropping bool   // inside a line that is too long
	foreign  bool   // the stream is of another protocol
}

// Next finds the first end of a line in data, which continues the input of earlier
// calls. It returns the line without LF, and the rest of data for the next call; rest
// is empty after NoLine. The line is valid until the next call. Next neither keeps
// nor changes data.
func (s *Splitter) Next(data []byte) (line, rest []byte, split Split) {
	s.forget()
	if s.foreign {
		return nil, nil, NoLine
	}
	if !s.begun && s.beginsTLS(data) {
		s.tail, s.foreign = nil, true
		return nil, nil, TLSHello
	}
	end := bytes.IndexByte(data, '\n')
	if s.dropping {
		if end < 0 {
			return nil, nil, NoLine
		}
		s.dropping = false
		data = data[end+1:]
		end = bytes.IndexByte(data, '\n')
	}
	if end < 0 {
		if len(s.tail)+len(data) > s.limit() {
			s.dropping = true
			return nil, nil, s.long(data)
		}
		s.tail = append(s.tail, data...)
		return nil, nil, NoLine
	}
	line, rest = data[:end], data[end+1:]
	if len(s.tail)+len(line) > s.limit() {
		return nil, rest, s.long(line)
	}
	if len(s.tail) > 0 {
		s.tail = append(s.tail, line...)
		s.returned = true
		line = s.tail
	}
	line, split = s.whole(line)
	return line, rest, split
}

// whole records that a line has ended, and returns what Next returns for it.
func (s *Splitter) whole(line []byte) ([]byte, Split) {
	if s.begun {
		return line, WholeLine
	}
	s.begun = true
	line = bytes.TrimPrefix(line, byteOrderMark)
	if isHTTP(line) {
		s.tail, s.returned, s.foreign = nil, false, true
		return nil, HTTPRequest
	}
	return line, WholeLine
}

// long records that the line that continues with data is too long.
func (s *Splitter) long(data []byte) Split {
	split := LongLine
	if !s.begun {
		head := append(s.tail, data[:s.limit()-len(s.tail)]...)
		if beginsLikeHTTP(bytes.TrimPrefix(head, byteOrderMark)) {
			s.foreign, split = true, HTTPRequest
		}
	}
	s.tail, s.begun = nil, true
	return split
}

// beginsTLS says whether the stream, continued by data, begins with a TLS handshake.
func (s *Splitter) beginsTLS(data []byte) bool {
	var head [3]byte
	n := copy(head[:], s.tail)
	n += copy(head[n:], data)
	return n == len(head) && n <= s.limit() && isTLS(head)
}

// End ends the unfinished line, as the end of a WebSocket message does (WS-1), and
// returns it as Next would: NoLine if there is none or the rest of a long one was
// being dropped. The line is valid until the next call.
func (s *Splitter) End() (line []byte, split Split) {
	s.forget()
	if s.dropping || s.foreign || len(s.tail) == 0 {
		s.dropping = false
		return nil, NoLine
	}
	s.returned = true
	return s.whole(s.tail)
}

// forget empties tail after it was returned, and frees it if it is large.
func (s *Splitter) forget() {
	if !s.returned {
		return
	}
	s.returned = false
	if cap(s.tail) > keptTail {
		s.tail = nil
	}
	s.tail = s.tail[:0]
}

// Foreign says whether Next has found that the stream is of another protocol.
func (s *Splitter) Foreign() bool { return s.foreign }

// Held returns how many bytes of memory the Splitter keeps.
func (s *Splitter) Held() int { return cap(s.tail) }

func (s *Splitter) limit() int {
	if s.Max > 0 {
		return s.Max
	}
	return DefaultMaxLine
}
