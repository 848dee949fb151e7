package engine

import (
	"fmt"
	"strconv"
	"strings"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/script"
	"lockd/sim/conformance/transcript"
)

// readOutcome is a< yes|no|N.
func readOutcome(r *Run, c *client.Conn, s *script.Step) error {
	want, err := outcome(s.Arg)
	if err != nil {
		return err
	}
	line, err := r.Take(c, fmt.Sprintf("a line that begins with \"%d \"", want))
	if err != nil {
		return err
	}
	if integer(line) != want {
		return report.Failf(transcript.Quote([]byte(line)), "a line that begins with \"%d \"", want)
	}
	return nil
}

// readOutcomes is a<times N yes|no|count.
func readOutcomes(r *Run, c *client.Conn, s *script.Step) error {
	number, word, _ := strings.Cut(s.Arg, " ")
	n, err := r.number(number)
	if err != nil {
		return err
	}
	for i := range n {
		want := i + 1
		if word != "count" {
			if want, err = outcome(word); err != nil {
				return err
			}
		}
		expected := fmt.Sprintf("reply %d of %d to begin with \"%d \"", i+1, n, want)
		line, err := r.Take(c, expected)
		if err != nil {
			return err
		}
		if integer(line) != want {
			return report.Failf(transcript.Quote([]byte(line)), "%s", expected)
		}
	}
	return nil
}

// readExact is a<exact CMD yes|no|N NAME.
func readExact(r *Run, c *client.Conn, s *script.Step) error {
	command, rest, _ := strings.Cut(s.Arg, " ")
	word, name, _ := strings.Cut(rest, " ")
	n, err := outcome(word)
	if err != nil {
		return err
	}
	if name, err = r.expand(name); err != nil {
		return err
	}
	return r.ExpectLine(c, r.Subject.Dialect.Reply(command, n, name))
}

// readLine is a<line TEXT.
func readLine(r *Run, c *client.Conn, s *script.Step) error {
	want, err := r.expand(s.Arg)
	if err != nil {
		return err
	}
	return r.ExpectLine(c, want)
}

// ExpectLine reads a line, which must be want with any line end.
func (r *Run) ExpectLine(c *client.Conn, want string) error {
	line, err := r.Take(c, "the line "+transcript.Quote([]byte(want)))
	if err != nil {
		return err
	}
	if line != want {
		return report.Failf(transcript.Quote([]byte(line)), "the line %s", transcript.Quote([]byte(want)))
	}
	return nil
}

// readEnding is a<ending.
func readEnding(r *Run, c *client.Conn, _ *script.Step) error {
	line, err := c.Line()
	c.Asked.Answered()
	if err != nil {
		return report.Failf(r.Missing(c, err), "a line")
	}
	end := r.Subject.Dialect.LineEnd()
	if want := trimEnd(line) + end; string(line) != want {
		return report.Failf(transcript.Quote(line), "a line that ends in %s alone", strconv.Quote(end))
	}
	return nil
}

// readUnknown is a<unknown WORD.
func readUnknown(r *Run, c *client.Conn, s *script.Step) error {
	if !r.Subject.AnswersInvalid {
		return readSilence(r, c, s)
	}
	word, err := r.expand(s.Arg)
	if err != nil {
		return err
	}
	return r.ExpectLine(c, protocol.Invalid+word)
}

// readSilence is a<silent.
func readSilence(r *Run, c *client.Conn, _ *script.Step) error {
	lines, err := r.UntilSentinel(c)
	if err != nil {
		return err
	}
	if len(lines) > 0 {
		return report.Failf(Listing(lines), "no answer")
	}
	return nil
}

// readMessage is a<message TYPE N. Its lines can still be read afterwards.
func readMessage(r *Run, c *client.Conn, s *script.Step) error {
	word, number, _ := strings.Cut(s.Arg, " ")
	n, err := r.number(number)
	if err != nil {
		return err
	}
	return r.ExpectChunk(c, word, n)
}

// ExpectChunk waits for a packet or message, which must have n lines and, unless typ is
// empty, be of that type. Its lines can still be read afterwards.
func (r *Run) ExpectChunk(c *client.Conn, typ string, n int) error {
	p, k, err := c.NextChunk()
	if c.Empties() > 0 { // WS-2
		return report.Failf("an empty message", "no message where no reply is owed")
	}
	expected := fmt.Sprintf("%d lines in one packet", n)
	if k != client.Packet {
		expected = strings.TrimSpace(fmt.Sprintf("one %s", typ)) + fmt.Sprintf(" message of %d lines", n)
	}
	if err != nil {
		return report.Failf(r.Missing(c, err), "%s", expected)
	}
	if got := strings.Count(string(p), "\n"); got != n || typ != "" && typ != k.String() {
		return report.Failf(fmt.Sprintf("a %v of %d: %s", k, got, transcript.Quote(p)), "%s", expected)
	}
	return nil
}

// readEnd is a<eof.
func readEnd(r *Run, c *client.Conn, _ *script.Step) error {
	err := c.End(r.Subject.Timeout)
	if rest := c.Pending(); len(rest) > 0 {
		return report.Failf(transcript.Quote(rest), "the end of the stream")
	}
	if !IsEnd(err) {
		return report.Failf(r.Missing(c, err), "the end of the stream")
	}
	return nil
}
