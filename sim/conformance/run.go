package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Failure is why a server failed a case.
type Failure struct {
	Step     string `json:"step"`               // as written in the script
	At       string `json:"at"`                 // file:line of the step
	Asked    string `json:"asked,omitempty"`    // the command whose answer it is about, if that is one
	Expected string `json:"expected,omitempty"` // what the protocol wants here
	Actual   string `json:"actual,omitempty"`   // what happened
}

// Error returns both on one line.
func (f *Failure) Error() string { return fmt.Sprintf("expected %s; got %s", f.Expected, f.Actual) }

func failf(actual, expected string, args ...any) error {
	return &Failure{Expected: fmt.Sprintf(expected, args...), Actual: actual}
}

// errSkip is what a case ends with that turns out not to be testable.
type errSkip string

func (e errSkip) Error() string { return string(e) }

// run is one execution of one case.
type run struct {
	ctx   context.Context
	suite *Suite
	c     *Case
	on    Endpoint
	tag   string // unique to this run, in every name
	log   *transcript

	mu        sync.Mutex // scenarios open connections from several goroutines
	conns     map[string]*conn
	order     []*conn
	sentinels int // inspections sent to prove silence
	stats     *snapshot
}

// execute runs the steps.
func (r *run) execute() error {
	for i := range r.c.steps {
		s := &r.c.steps[i]
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := verbs[s.verb](r, s); err != nil {
			var f *Failure
			if errors.As(err, &f) {
				f.Step, f.At = s.src, s.at
				if c := r.conns[s.conn]; c != nil && readsLine[s.verb] {
					f.Asked = string(c.asked.last)
				}
			}
			return err
		}
	}
	return nil
}

func (r *run) part() {
	var wait sync.WaitGroup
	for _, c := range r.order {
		wait.Go(c.part)
	}
	wait.Wait()
}

// name makes a name of a script unique to this run.
func (r *run) name(word string) string { return word + "-" + r.tag }

func (r *run) expand(text string) (string, error) {
	return expand(text,
		func(word string) (string, error) { return r.name(word), nil },
		func(word string) (string, error) {
			c, err := r.conn(word)
			if err != nil {
				return "", err
			}
			return r.addr(c)
		})
}

// addr is the address under which the server shows c. A unix connection has
// none that a client could know, so the server is asked.
func (r *run) addr(c *conn) (string, error) {
	if a := c.t.localAddr(); a != "" {
		return a, nil
	}
	line, err := r.request(c, "me")
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(line, " ")
	addr, _, _ := strings.Cut(rest, " ")
	return addr, nil
}

// conn returns the connection of that name, opening it if need be.
func (r *run) conn(name string) (*conn, error) {
	r.mu.Lock()
	c := r.conns[name]
	r.mu.Unlock()
	if c != nil {
		return c, nil
	}
	return r.open(name, r.on)
}

func (r *run) open(name string, on Endpoint) (*conn, error) {
	t, err := dial(r.ctx, on, r.suite.opts.Timeout)
	if err != nil {
		return nil, failf(err.Error(), "a connection to %s", on)
	}
	r.log.note(name, "connects over %s", on.Transport)
	c := newConn(name, on, t, r.log, r.suite.opts.Timeout)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[name] = c
	r.order = append(r.order, c)
	return c, nil
}

// broken turns a failed write into a failure.
func (r *run) broken(c *conn, err error) error {
	if err == nil {
		return nil
	}
	return failf(describe(err), "connection %s to be open for writing", c.name)
}

// request sends a line and returns the line that answers it, without its end.
func (r *run) request(c *conn, line string) (string, error) {
	if err := r.broken(c, c.send([]byte(line+"\n"), packet)); err != nil {
		return "", err
	}
	return r.take(c, "a reply to "+quote([]byte(line)))
}

// take reads a line, without its end; expected is for the failure.
func (r *run) take(c *conn, expected string) (string, error) {
	line, err := c.line()
	c.asked.answered()
	if err != nil {
		return "", failf(r.missing(c, err), "%s", expected)
	}
	return trimEnd(line), nil
}

// missing says what came in place of a line.
func (r *run) missing(c *conn, err error) string {
	what := describe(err)
	if errors.Is(err, errTimeout) {
		what = fmt.Sprintf("nothing within %v", r.suite.opts.Timeout)
		r.log.note(c.name, "%s", what)
	}
	if rest := c.pending(); len(rest) > 0 {
		return fmt.Sprintf("%s after the incomplete line %s", what, quote(rest))
	}
	return what
}

// trimEnd drops LF or CR LF: only <ending looks at which it was [REPLY-3].
func trimEnd(line []byte) string {
	return strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
}

// integer is the INT of a reply, or -1.
func integer(line string) int {
	word, _, ok := strings.Cut(line, " ")
	if !ok {
		return -1
	}
	n, err := strconv.ParseUint(word, 10, 31)
	if err != nil {
		return -1
	}
	return int(n)
}

// gap is left before a sentinel for servers that lose pipelined commands: they
// are to fail the cases about that, and no others.
const gap = 30 * time.Millisecond

// mostSentinels is how often one is sent to a server that loses pipelined
// commands.
const mostSentinels = 4

// untilSentinel sends an inspection of a fresh name and returns the lines that
// come before its reply: all that was still to be answered.
func (r *run) untilSentinel(c *conn) ([]string, error) {
	r.mu.Lock()
	r.sentinels++
	name := r.name(fmt.Sprintf("end%d", r.sentinels))
	r.mu.Unlock()
	r.leaveGap(c)
	if err := r.broken(c, c.send([]byte("i "+name+"\n"), packet)); err != nil {
		return nil, err
	}
	end := r.suite.sentinelReply(name)
	var lines []string
	for sent := 1; ; {
		line, err := c.lineWithin(r.suite.opts.Timeout / mostSentinels)
		if errors.Is(err, errTimeout) && sent < mostSentinels {
			sent++
			if r.suite.server.loses[c.on.Transport] { // the sentinel was lost
				if err := r.broken(c, c.send([]byte("i "+name+"\n"), packet)); err != nil {
					return nil, err
				}
			}
			continue
		}
		if err != nil {
			return lines, failf(r.missing(c, err)+after(lines), "the reply %s to \"i %s\"", quote([]byte(end)), name)
		}
		text := trimEnd(line)
		if text == end {
			c.asked = asked{}
			return lines, nil
		}
		lines = append(lines, text)
	}
}

// leaveGap gives a server that loses pipelined commands the time to take what
// was sent before.
func (r *run) leaveGap(c *conn) {
	if r.suite.server.loses[c.on.Transport] {
		time.Sleep(gap)
	}
}

func after(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return " after " + listing(lines)
}

// listing shows lines, one a row when there are several.
func listing(lines []string) string {
	switch len(lines) {
	case 0:
		return "nothing"
	case 1:
		return quote([]byte(lines[0]))
	}
	var b strings.Builder
	const most = 12
	for i, line := range lines {
		if i == most {
			fmt.Fprintf(&b, "\n… %d lines more", len(lines)-most)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(quote([]byte(line)))
	}
	return b.String()
}

// isEnd says whether a stream ended in order.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }

// same compares two lists of lines.
func same(got, want []string) error {
	if slices.Equal(got, want) {
		return nil
	}
	return failf(listing(got), "%s", listing(want))
}
