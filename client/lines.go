package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"lockd/wire"
)

// Replies of several lines. Those of l and lw say how many lines there are. Others end
// with nothing: behind the command goes an inspection of a name that nobody uses, whose
// reply ends the lines. To old servers it goes when they have been silent for a while,
// since they lose what arrives together.

// nonce begins the names that nobody uses.
var nonce = "lockd-client-" + rand.Text()

// stale says whether a line is the reply to an inspection that was sent twice.
func (c *conn) stale(line []byte) bool {
	rest, found := bytes.CutPrefix(line, []byte("0 Lock Not Locked: "))
	return found && bytes.HasPrefix(rest, []byte(nonce))
}

// lines sends a command whose reply has no end, and returns its lines.
func (c *conn) lines(ctx context.Context, command wire.Command, arguments string) ([]string, error) {
	var lines []string
	name := nonce + rand.Text()
	heard, over := make(chan struct{}, 1), make(chan struct{})
	k := newCall(request{command: command, name: arguments})
	if c.level.extended {
		k.behind = name
	}
	k.take = func(line []byte) (last, taken bool, err error) {
		switch {
		case string(line) == "0 Lock Not Locked: "+name:
			close(over)
			return true, true, nil
		case c.stale(line):
		case (command == wire.Iam || command == wire.Me) && k.behind == "": // one line, or none where it is not known
			lines = append(lines, string(line))
			close(over)
			return true, true, nil
		default:
			lines = append(lines, string(line))
		}
		select {
		case heard <- struct{}{}:
		default:
		}
		return false, true, nil
	}
	if err := c.begin(ctx, k); err != nil {
		return nil, err
	}
	if !c.level.extended {
		go c.chase(name, heard, over)
	}
	if err := c.wait(ctx, k); err != nil {
		return nil, err
	}
	return lines, disabled(lines)
}

// chase sends an inspection of a name whenever the server has been silent for a while,
// until it is answered.
func (c *conn) chase(name string, heard, over <-chan struct{}) {
	for pause := silence; ; {
		quiet := time.NewTimer(pause)
		select {
		case <-quiet.C:
			c.raw(name)
			pause = min(2*pause, mostPause)
		case <-heard:
			quiet.Stop()
		case <-over:
			quiet.Stop()
			return
		case <-c.done:
			quiet.Stop()
			return
		}
	}
}

// mostPause is the longest pause before an inspection is sent again, which may have got
// lost.
const mostPause = 2 * time.Second

// raw sends an inspection whose reply no call of its own takes.
func (c *conn) raw(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.out, _ = wire.AppendRequest(c.out, wire.Inspect, name)
	c.flush()
}

// disabled returns the error that lines are instead of a list. A line of a list has a
// colon.
func disabled(lines []string) error {
	if len(lines) != 1 || strings.Contains(lines[0], ": ") {
		return nil
	}
	if refused, found := strings.CutPrefix(lines[0], "0 "); found {
		if err := refusals[refused]; err != nil {
			return err
		}
		return &refusal{refused}
	}
	return nil
}

// list sends l or lw, and returns the lines behind the first.
func (c *conn) list(ctx context.Context, command wire.Command, prefix string) ([]wire.Listed, error) {
	var listed []wire.Listed
	left := int64(-1)
	k := newCall(request{command: command, name: prefix})
	k.take = func(line []byte) (last, taken bool, err error) {
		if left < 0 {
			if err := k.answer(line); err != nil || k.n == 0 {
				return true, true, err
			}
			left = k.n - 1
			return left == 0, true, nil
		}
		l, err := wire.ParseListed(command, line)
		listed = append(listed, l)
		left--
		return left == 0, true, err
	}
	if err := c.begin(ctx, k); err != nil {
		return nil, err
	}
	if err := c.wait(ctx, k); err != nil {
		return nil, err
	}
	if k.n == 0 {
		return nil, &refusal{k.text}
	}
	return listed, nil
}

// refusal is a refusal that has no error of its own.
type refusal struct{ text string }

func (r *refusal) Error() string { return fmt.Sprintf("the server answers %.80q", r.text) }

// array sends q or q full to a server of the classic dialect, and returns its lines: so
// many arrays, each of which ends with a parenthesis.
func (c *conn) array(ctx context.Context, arguments string, arrays int) ([]string, error) {
	var lines []string
	depth := 0
	k := newCall(request{command: wire.Stats, name: arguments})
	k.take = func(line []byte) (last, taken bool, err error) {
		lines = append(lines, string(line))
		switch strings.TrimSpace(string(line)) {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				arrays--
			}
		}
		return arrays == 0, true, nil
	}
	if err := c.begin(ctx, k); err != nil {
		return nil, err
	}
	if err := c.wait(ctx, k); err != nil {
		return nil, err
	}
	return lines, nil
}
