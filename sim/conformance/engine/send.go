package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/script"
)

// Broken turns a failed write into a failure.
func Broken(c *client.Conn, err error) error {
	if err == nil {
		return nil
	}
	return report.Failf(client.Describe(err), "connection %s to be open for writing", c.Name)
}

// Send sends text in one piece.
func (r *Run) Send(c *client.Conn, text string) error {
	return Broken(c, c.Send([]byte(text), client.Packet))
}

// send expands and sends a text.
func (r *Run) send(c *client.Conn, text, end string, kind client.Kind) error {
	text, err := r.expand(text)
	if err != nil {
		return err
	}
	return Broken(c, c.Send([]byte(text+end), kind))
}

func sendLine(r *Run, c *client.Conn, s *script.Step) error {
	return r.send(c, s.Arg, "\n", client.Packet)
}

func sendRaw(r *Run, c *client.Conn, s *script.Step) error {
	return r.send(c, s.Arg, "", client.Packet)
}

func sendMessage(kind client.Kind) func(*Run, *client.Conn, *script.Step) error {
	return func(r *Run, c *client.Conn, s *script.Step) error { return r.send(c, s.Arg, "", kind) }
}

func sendBytewise(r *Run, c *client.Conn, s *script.Step) error {
	text, err := r.expand(s.Arg)
	if err != nil {
		return err
	}
	return Broken(c, c.SendBytewise([]byte(text)))
}

// sendPadded is a>len N TEXT and a>pad N TEXT.
func sendPadded(end string) func(*Run, *client.Conn, *script.Step) error {
	return func(r *Run, c *client.Conn, s *script.Step) error {
		n, text, err := r.sized(s.Arg)
		if err != nil {
			return err
		}
		return r.Send(c, text+strings.Repeat("x", max(0, n-len(text)))+end)
	}
}

// sendTimes is a>times N TEXT.
func sendTimes(r *Run, c *client.Conn, s *script.Step) error {
	n, _, err := r.sized(s.Arg)
	if err != nil {
		return err
	}
	_, line, _ := strings.Cut(s.Arg, " ")
	var b strings.Builder
	for i := range n {
		text, err := r.expand(strings.ReplaceAll(line, "#", strconv.Itoa(i+1)))
		if err != nil {
			return err
		}
		b.WriteString(text + "\n")
	}
	if r.oneByOne(c) {
		return r.sendOneByOne(c, b.String())
	}
	return r.Send(c, b.String())
}

// sized parses N TEXT, and expands the text.
func (r *Run) sized(arg string) (n int, text string, err error) {
	number, rest, _ := strings.Cut(arg, " ")
	if n, err = r.number(number); err == nil {
		text, err = r.expand(rest)
	}
	return n, text, err
}

// number parses the N of a step: a number, or one relative to the limit of a line, as
// in max+1.
func (r *Run) number(text string) (int, error) {
	rest, fromMax := strings.CutPrefix(text, "max")
	if fromMax && rest == "" {
		return r.Subject.MaxLine, nil
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	if fromMax {
		n += r.Subject.MaxLine
	}
	return n, nil
}

// oneByOne reports whether commands must be sent one by one, because the server loses
// pipelined commands and the case is not about them.
func (r *Run) oneByOne(c *client.Conn) bool {
	about := func(k protocol.Clause) bool {
		return slices.Contains([]string{"LINE-5", "REPLY-5", "WS-1", "WS-2"}, k.ID)
	}
	return r.Subject.loses(c.On) && !slices.ContainsFunc(r.Case.Clauses, about)
}

// sendOneByOne sends every line after the one before was answered. The answers can
// still be read afterwards.
func (r *Run) sendOneByOne(c *client.Conn, text string) error {
	for line := range strings.Lines(text) {
		before := c.Count()
		if err := r.Send(c, line); err != nil {
			return err
		}
		deadline := time.After(r.Subject.Timeout)
		for waiting := true; waiting && c.Count() == before; {
			select {
			case <-c.Arrivals():
			case <-c.Done():
				waiting = false
			case <-deadline:
				waiting = false
			}
		}
	}
	return nil
}
