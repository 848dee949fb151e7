package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Reply is the answer to a lock command, to me or to iam, or a refusal.
type Reply struct {
	N    int64  // 0 is no, 1, a count or a token is yes (REPLY-2)
	Text string // for people
}

// ErrNotLockd is returned for a line that is not a reply of the protocol.
var ErrNotLockd = errors.New("this is not a reply of the lockd protocol")

// quoted is the number of bytes of an unexpected line that an error shows.
const quoted = 60

// CutReply cuts one line, without its line end, into its number and its text, which
// points into the line (REPLY-2). The number has no sign and no leading zero.
func CutReply(line []byte) (n int64, text []byte, err error) {
	number, text, found := bytes.Cut(line, []byte{' '})
	for _, b := range number {
		if !isDigit(b) || n > (math.MaxInt64-int64(b-'0'))/10 {
			found = false
			break
		}
		n = 10*n + int64(b-'0')
	}
	if !found || len(number) == 0 || len(number) > 1 && number[0] == '0' {
		return 0, nil, fmt.Errorf("%q: %w", line[:min(len(line), quoted)], ErrNotLockd)
	}
	return n, text, nil
}

// ParseReply is CutReply, whose text stays valid when the line changes.
func ParseReply(line []byte) (Reply, error) {
	n, text, err := CutReply(line)
	return Reply{N: n, Text: string(text)}, err
}

// AppendReply appends the line of a reply.
func (d Dialect) AppendReply(dst []byte, r Reply) []byte {
	dst = strconv.AppendInt(dst, r.N, 10)
	dst = append(dst, ' ')
	dst = append(dst, r.Text...)
	return d.AppendEnd(dst)
}

// ReplyReader reads the replies of a server, in either dialect. It never buffers
// more than one line, up to its limit. It is not safe for concurrent use.
type ReplyReader struct {
	r   *bufio.Reader
	max int
	buf []byte
}

// NewReplyReader reads from r. A line of more than max bytes is an error. Replies
// repeat the name, so max should be somewhat more than the server's limit. 0 is
// twice DefaultMaxLine.
func NewReplyReader(r io.Reader, max int) *ReplyReader {
	if max <= 0 {
		max = 2 * DefaultMaxLine
	}
	return &ReplyReader{r: bufio.NewReader(r), max: max}
}

// Line reads one line and returns it without LF or CR LF. It is valid until the
// next call. The error is io.EOF at the end of the stream and
// io.ErrUnexpectedEOF inside a line.
func (r *ReplyReader) Line() ([]byte, error) {
	r.buf = r.buf[:0]
	for {
		piece, err := r.r.ReadSlice('\n')
		if len(r.buf)+len(piece) > r.max {
			return nil, fmt.Errorf("a line of more than %d bytes: %w", r.max, ErrNotLockd)
		}
		r.buf = append(r.buf, piece...)
		switch {
		case err == nil:
			line := bytes.TrimSuffix(r.buf, []byte{'\n'})
			return bytes.TrimSuffix(line, []byte{'\r'}), nil
		case err == io.EOF && len(r.buf) > 0:
			return nil, io.ErrUnexpectedEOF
		case err != bufio.ErrBufferFull:
			return nil, err
		}
	}
}

// Reply reads the reply to one lock command, me or iam.
func (r *ReplyReader) Reply() (Reply, error) {
	line, err := r.Line()
	if err != nil {
		return Reply{}, err
	}
	return ParseReply(line)
}

// maxFigures is the number of lines beyond which Stats rejects a reply to q.
const maxFigures = 64

// Stats reads the reply to q into a map, in either dialect (STATS-2,
// CLASSIC-4).
func (r *ReplyReader) Stats() (map[string]uint64, error) {
	figures := make(map[string]uint64)
	for range maxFigures {
		line, err := r.Line()
		if err != nil {
			return nil, err
		}
		text := string(line)
		switch text {
		case "Array", "(":
			continue
		case ")":
			return figures, nil
		}
		key, value, err := parseFigure(text)
		if err != nil {
			return nil, err
		}
		figures[key] = value
		if key == "shared_orphans" {
			return figures, nil
		}
	}
	return nil, fmt.Errorf("statistics without an end: %w", ErrNotLockd)
}

// parseFigure parses `KEY: VALUE` or `    [KEY] => VALUE`.
func parseFigure(line string) (string, uint64, error) {
	key, value, found := strings.Cut(line, ": ")
	if !found {
		key, value, found = strings.Cut(strings.TrimPrefix(line, "    ["), "] => ")
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if !found || err != nil {
		return "", 0, fmt.Errorf("%q in statistics: %w", line[:min(len(line), quoted)], ErrNotLockd)
	}
	return key, n, nil
}
