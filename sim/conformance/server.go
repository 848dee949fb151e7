package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Server is what is to be judged: where it listens and, found out by asking,
// what kind of server it is.
type Server struct {
	Endpoints []Endpoint `json:"endpoints"`
	Dialect   Dialect    `json:"dialect"`
	// Guessed is set where the server's replies are of neither dialect.
	Guessed        bool `json:"dialect_guessed,omitempty"`
	Dump           bool `json:"dump"`            // the dump feature is on
	Registry       bool `json:"registry"`        // the registry is on
	AnswersInvalid bool `json:"answers_invalid"` // unknown commands are answered [BAD-2]
	Pipelines      bool `json:"pipelines"`       // several commands that arrive together are executed, over all transports

	loses   map[string]bool // transports over which they are not
	inspect string          // the reply to i on a free name, NUL in place of the name
}

const invalidReply = "0 Invalid Command: "

// ErrUnreachable is wrapped by the error of Run when there is nobody to judge.
type ErrUnreachable struct {
	Endpoint Endpoint
	Err      error
}

// Error names the address and what to look at.
func (e *ErrUnreachable) Error() string {
	return fmt.Sprintf("no server at %s: %v; is it running, and is this its address?", e.Endpoint, e.Err)
}

// Unwrap returns the error of the network.
func (e *ErrUnreachable) Unwrap() error { return e.Err }

// probe connects and asks for a free name: what any server answers.
func (s *Suite) probe(on Endpoint) (*run, *conn, string, error) {
	r := s.newRun(&Case{ID: "probe"}, on)
	c, err := r.open("probe", on)
	if err != nil {
		return r, nil, "", &ErrUnreachable{on, actual(err)}
	}
	name := r.name("free")
	line, err := r.request(c, "i "+name)
	if err != nil {
		r.part()
		return r, nil, "", &ErrUnreachable{on, fmt.Errorf("it does not answer \"i %s\\n\": %w", name, actual(err))}
	}
	return r, c, strings.ReplaceAll(line, name, "\x00"), nil
}

// actual is what happened, without what was expected.
func actual(err error) error {
	var f *Failure
	if errors.As(err, &f) {
		return errors.New(f.Actual)
	}
	return err
}

// alive says whether the server still serves a new connection.
func (s *Suite) alive(on Endpoint) error {
	r, c, _, err := s.probe(on)
	if c != nil {
		r.part()
	}
	return err
}

// sentinelReply is what the server answers to an inspection of a free name.
func (s *Suite) sentinelReply(name string) string {
	return strings.ReplaceAll(s.server.inspect, "\x00", name)
}

// detect finds out what kind of server it is. The others than the first endpoint are
// asked only whether they answer, and execute what arrives together.
func (s *Suite) detect() error {
	for _, on := range s.server.Endpoints[1:] {
		if err := s.alive(on); err != nil {
			return err
		}
	}
	on := s.server.Endpoints[0]
	r, c, inspect, err := s.probe(on)
	if err != nil {
		return err
	}
	defer r.part()
	s.server.inspect = inspect
	s.server.Pipelines, s.server.loses = true, make(map[string]bool)
	for _, on := range s.server.Endpoints {
		executes, err := s.detectPipelining(on)
		if err != nil {
			return err
		}
		if !executes {
			s.server.Pipelines, s.server.loses[on.Transport] = false, true
		}
	}
	switch {
	case s.opts.Dialect != "":
		s.server.Dialect = s.opts.Dialect
	case inspect == Classic.reply("i", 0, ""):
		s.server.Dialect = Classic
	default:
		s.server.Dialect = Glockd
		s.server.Guessed = inspect != Glockd.reply("i", 0, "\x00")
	}
	answers := func(command string) []string {
		if c.send([]byte(command+"\n"), packet) != nil {
			return nil
		}
		lines, err := r.untilSentinel(c)
		if err != nil { // no answer at all: the cases will tell
			s.reconnect(r, &c)
		}
		return lines
	}
	on2 := func(command string) bool {
		lines := answers(command)
		return len(lines) == 0 || lines[len(lines)-1] != disabledReply
	}
	unknown := r.name("unknown")
	lines := answers(unknown)
	s.server.AnswersInvalid = len(lines) == 1 && lines[0] == invalidReply+unknown
	if s.server.Dialect == Classic {
		s.server.Dump = on2("q full")
		return nil
	}
	s.server.Dump = on2("dump")
	s.server.Registry = on2("iam")
	return nil
}

const disabledReply = "0 disabled"

// reconnect replaces a connection that is out of step.
func (s *Suite) reconnect(r *run, c **conn) {
	if fresh, err := r.open("probe", r.on); err == nil {
		*c = fresh
	}
}

// detectPipelining sends two commands in one packet.
func (s *Suite) detectPipelining(on Endpoint) (bool, error) {
	r := s.newRun(&Case{ID: "probe"}, on)
	defer r.part()
	c, err := r.open("pipeline", on)
	if err != nil {
		return false, &ErrUnreachable{on, actual(err)}
	}
	line := "i " + r.name("free") + "\n"
	if err := c.send([]byte(line+line), packet); err != nil {
		return false, nil
	}
	if _, err := c.line(); err != nil {
		return false, nil
	}
	_, err = c.line()
	return err == nil, nil
}

// settle waits until what ended cases held is released, so that figures and
// tables stand still, and returns how many names somebody still holds; -1 if
// the server cannot tell.
func (s *Suite) settle(on Endpoint) int {
	r := s.newRun(&Case{ID: "settle"}, on)
	defer r.part()
	c, err := r.open("settle", on)
	if err != nil {
		return -1
	}
	var last *snapshot
	deadline := time.Now().Add(min(s.opts.Timeout, time.Second))
	for {
		now, err := r.snapshot(c)
		if err != nil {
			return -1
		}
		held := now.figures["locks"] + now.figures["shared_locks"]
		live := now.figures["connections"] + now.figures["conns"]
		still := last != nil && held == last.figures["locks"]+last.figures["shared_locks"] &&
			live == last.figures["connections"]+last.figures["conns"]
		if held == 0 && live == 1 || still || time.Now().After(deadline) {
			return held
		}
		last = now
		time.Sleep(20 * time.Millisecond)
	}
}

// Instance is a server that was started for the suite.
type Instance struct {
	Endpoints []Endpoint
	Stop      func(context.Context) error // ends it in order, and waits for it
	Exited    <-chan struct{}             // closed when it has ended, for whatever reason
	Output    func() string               // the last of what it wrote; may be nil

	once sync.Once
}

// restart starts the server anew, ending the one that runs.
func (s *Suite) restart() error {
	if s.opts.Start == nil {
		return nil
	}
	s.stop()
	instance, err := s.opts.Start(s.ctx)
	if err != nil {
		return err
	}
	s.instance = instance
	s.server.Endpoints = instance.Endpoints
	for _, on := range instance.Endpoints {
		if err := s.await(on); err != nil {
			return err
		}
	}
	return nil
}

// await waits until a server that was just started accepts connections. It may
// have to be compiled first.
func (s *Suite) await(on Endpoint) error {
	const patience = 30 * time.Second
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(s.ctx, max(s.opts.Timeout, connectTimeout))
		t, err := dialOnce(ctx, on, s.opts.Timeout)
		cancel()
		if err == nil {
			newConn("await", on, t, &transcript{}, s.opts.Timeout).part()
			return nil
		}
		if refusal := new(errHTTP); errors.As(err, &refusal) {
			return &ErrUnreachable{on, err}
		}
		select {
		case <-s.instance.Exited:
			err := errors.New("the server ended right after its start")
			if s.instance.Output != nil {
				err = fmt.Errorf("%w; it said:\n%s", err, strings.TrimSuffix(s.instance.Output(), "\n"))
			}
			return &ErrUnreachable{on, err}
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return &ErrUnreachable{on, fmt.Errorf("not open %v after the start: %w", patience, err)}
		}
	}
}

// stop ends the server that the suite started, if any, and waits for it.
func (s *Suite) stop() {
	if s.instance != nil {
		s.instance.stop(s.ctx)
		s.instance = nil
	}
}

// stop may be called from several goroutines; all wait for the end.
func (i *Instance) stop(ctx context.Context) {
	const patience = 5 * time.Second
	i.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		i.Stop(ctx)
	})
}
