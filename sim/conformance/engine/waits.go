package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/script"
	"lockd/sim/conformance/transcript"
)

// silence is for how long nothing must come from a server that makes a client wait.
const silence = 100 * time.Millisecond

// readToken is a<token NAME.
func readToken(r *Run, c *client.Conn, s *script.Step) error {
	name, err := r.expand(s.Arg)
	if err != nil {
		return err
	}
	expected := "TOKEN Lock Token: " + name
	line, err := r.Take(c, expected)
	if err != nil {
		return err
	}
	if number, text, _ := strings.Cut(line, " "); integer(line) < 1 || number[0] == '0' || text != "Lock Token: "+name {
		return report.Failf(transcript.Quote([]byte(line)), "%s", expected)
	}
	return nil
}

// readNothing is a<nothing.
func readNothing(r *Run, c *client.Conn, _ *script.Step) error { return r.ExpectNothing(c) }

// ExpectNothing checks that no line comes for a while.
func (r *Run) ExpectNothing(c *client.Conn) error {
	line, err := c.LineWithin(silence)
	switch {
	case errors.Is(err, client.ErrTimeout):
		return nil
	case err != nil:
		return report.Failf(r.Missing(c, err), "no answer yet")
	}
	return report.Failf(transcript.Quote(line), "no answer yet")
}

// standing is how long a wait is given to begin on a server that does not list waiters.
const standing = 100 * time.Millisecond

// eventuallyWaiters is a~waiters N NAME.
func eventuallyWaiters(r *Run, c *client.Conn, s *script.Step) error {
	n, name, err := r.sized(s.Arg)
	if err != nil {
		return err
	}
	return r.AwaitWaiters(c, n, name)
}

// AwaitWaiters waits until n connections wait for names that begin with prefix, as far as
// the server shows that. It asks on a connection that does not wait itself.
func (r *Run) AwaitWaiters(c *client.Conn, n int, prefix string) error {
	if !r.Subject.Dump {
		time.Sleep(standing)
		return nil
	}
	return r.Poll(func() error {
		lines, err := r.List(c, "lw", prefix)
		if err == nil && len(lines) != n {
			err = report.Failf(Listing(lines), "%d lines behind the first of lw %s", n, prefix)
		}
		return err
	})
}

// List asks for a list, l or lw, and returns its lines but the first, which it checks
// [LIST-1, LIST-3].
func (r *Run) List(c *client.Conn, command, prefix string) ([]string, error) {
	lines, err := r.Answer(c, strings.TrimSuffix(command+" "+prefix, " "))
	if err != nil {
		return nil, err
	}
	of := map[string]string{"l": "Locks", "lw": "Waiters"}[command]
	want := fmt.Sprintf("%d %s: %s", len(lines), of, prefix)
	if len(lines) == 0 || lines[0] != want {
		return nil, report.Failf(Listing(lines), "a first line %s", strconv.Quote(want))
	}
	return lines[1:], nil
}

// Stand makes a connection wait, and waits until n connections wait for the name, as far
// as the server shows that to another connection.
func (r *Run) Stand(c *client.Conn, line, name string, n int, watch *client.Conn) error {
	if err := r.Send(c, line+"\n"); err != nil {
		return err
	}
	return r.AwaitWaiters(watch, n, name)
}
