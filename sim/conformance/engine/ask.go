package engine

import (
	"errors"
	"fmt"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/transcript"
)

// Request sends a line and returns the line of the reply, without its line end.
func (r *Run) Request(c *client.Conn, line string) (string, error) {
	if err := r.Send(c, line+"\n"); err != nil {
		return "", err
	}
	return r.Take(c, "a reply to "+transcript.Quote([]byte(line)))
}

// Take reads a line, without its line end. expected describes it in a failure.
func (r *Run) Take(c *client.Conn, expected string) (string, error) {
	line, err := c.Line()
	c.Asked.Answered()
	if err != nil {
		return "", report.Failf(r.Missing(c, err), "%s", expected)
	}
	return trimEnd(line), nil
}

// Missing says what came instead of a line, or of the end of the stream.
func (r *Run) Missing(c *client.Conn, err error) string {
	what := client.Describe(err)
	if errors.Is(err, client.ErrTimeout) {
		what = fmt.Sprintf("nothing within %v", r.Subject.Timeout)
		r.Log.Note(c.Name, "%s", what)
	}
	if rest := c.Pending(); len(rest) > 0 {
		return fmt.Sprintf("%s after the incomplete line %s", what, transcript.Quote(rest))
	}
	return what
}

// AskInt sends a line and returns the INT of its reply.
func (r *Run) AskInt(c *client.Conn, line string) (int, error) {
	text, err := r.Request(c, line)
	if err != nil {
		return 0, err
	}
	n := integer(text)
	if n < 0 {
		return 0, report.Failf(transcript.Quote([]byte(text)), "a reply INT SP TEXT to %s", transcript.Quote([]byte(line)))
	}
	return n, nil
}

// WantInt sends a line and checks the INT of its reply.
func (r *Run) WantInt(c *client.Conn, line string, want int) error {
	text, err := r.Request(c, line)
	if err != nil {
		return err
	}
	if integer(text) == want {
		return nil
	}
	return report.Failf(transcript.Quote([]byte(text)), "a line that begins with \"%d \" in reply to %s", want, transcript.Quote([]byte(line)))
}

// WantLine sends a line and checks the line of its reply, as ExpectLine does.
func (r *Run) WantLine(c *client.Conn, line, want string) error {
	if err := r.Send(c, line+"\n"); err != nil {
		return err
	}
	return r.ExpectLine(c, want)
}

// gap is the pause before a sentinel for servers that lose pipelined commands, so that
// they fail the cases about that and no others.
const gap = 30 * time.Millisecond

// mostSentinels is how often a sentinel is sent to a server that loses pipelined
// commands.
const mostSentinels = 4

// Answer sends a command and returns all lines of the answer, without their line ends.
func (r *Run) Answer(c *client.Conn, question string) ([]string, error) {
	if err := r.Send(c, question+"\n"); err != nil {
		return nil, err
	}
	return r.UntilSentinel(c)
}

// UntilSentinel sends a sentinel, an inspection of a new name, and returns the lines that
// come before its reply: all that was still to be answered.
func (r *Run) UntilSentinel(c *client.Conn) ([]string, error) {
	r.mu.Lock()
	r.sentinels++
	name := r.Name(fmt.Sprintf("end%d", r.sentinels))
	r.mu.Unlock()
	r.leaveGap(c)
	if err := r.Send(c, "i "+name+"\n"); err != nil {
		return nil, err
	}
	end := r.Subject.InspectReply(name)
	var lines []string
	for sent := 1; ; {
		line, err := c.LineWithin(r.Subject.Timeout / mostSentinels)
		if errors.Is(err, client.ErrTimeout) && sent < mostSentinels {
			sent++
			if r.Subject.loses(c.On) { // the sentinel was lost
				if err := r.Send(c, "i "+name+"\n"); err != nil {
					return nil, err
				}
			}
			continue
		}
		if err != nil {
			what := r.Missing(c, err)
			if len(lines) > 0 {
				what += " after " + Listing(lines)
			}
			return lines, report.Failf(what, "the reply %s to \"i %s\"", transcript.Quote([]byte(end)), name)
		}
		text := trimEnd(line)
		if text == end {
			c.Asked.Forget()
			return lines, nil
		}
		lines = append(lines, text)
	}
}

// leaveGap gives a server that loses pipelined commands time to execute what was sent
// before.
func (r *Run) leaveGap(c *client.Conn) {
	if r.Subject.loses(c.On) {
		time.Sleep(gap)
	}
}

// Poll repeats a check until it succeeds or the time limit of one reply has passed.
func (r *Run) Poll(check func() error) error {
	deadline := time.Now().Add(r.Subject.Timeout)
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(wait)
	}
}
