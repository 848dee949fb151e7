package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/script"
	"lockd/sim/transport"
)

// ErrUnreachable is the error of Run if no server answers at an address.
type ErrUnreachable struct {
	Endpoint transport.Endpoint
	Err      error
}

// Error names the address and what to check.
func (e *ErrUnreachable) Error() string {
	return fmt.Sprintf("no server at %s: %v; is it running, and is this its address?", e.Endpoint, e.Err)
}

// Unwrap returns the error of the network.
func (e *ErrUnreachable) Unwrap() error { return e.Err }

// probe is a connection over which the suite detects properties of the server.
type probe struct {
	*engine.Run
	conn *client.Conn
	// reply is the reply to an inspection of a free name, with NUL in place of the name.
	reply string
}

// probe connects and inspects a free name, which every server answers.
func (s *suite) probe(on transport.Endpoint) (*probe, error) {
	p := &probe{Run: s.newRun(&script.Case{ID: "probe"}, on)}
	var err error
	if p.conn, err = p.Open("probe", on); err != nil {
		return nil, &ErrUnreachable{on, whatHappened(err)}
	}
	name := p.Name("free")
	line, err := p.Request(p.conn, "i "+name)
	if err != nil {
		p.Leave()
		return nil, &ErrUnreachable{on, fmt.Errorf("it does not answer \"i %s\\n\": %w", name, whatHappened(err))}
	}
	p.reply = strings.ReplaceAll(line, name, "\x00")
	return p, nil
}

// whatHappened returns an error without what was expected.
func whatHappened(err error) error {
	var f *report.Failure
	if errors.As(err, &f) {
		return errors.New(f.Actual)
	}
	return err
}

// alive returns an error if the server does not serve a new connection.
func (s *suite) alive(on transport.Endpoint) error {
	p, err := s.probe(on)
	if err == nil {
		p.Leave()
	}
	return err
}

// detect finds out what kind of server it is, at its first endpoint. At the others it
// only checks that the server answers, and executes commands that arrive together.
func (s *suite) detect() error {
	v := &s.server.Profile
	for _, on := range v.Endpoints[1:] {
		if err := s.alive(on); err != nil {
			return err
		}
	}
	p, err := s.probe(v.Endpoints[0])
	if err != nil {
		return err
	}
	defer p.Leave()
	v.Inspect = p.reply
	v.Pipelines, v.Loses = true, make(map[string]bool)
	for _, on := range v.Endpoints {
		executes, err := s.executesTogether(on)
		if err != nil {
			return err
		}
		if !executes {
			v.Pipelines, v.Loses[on.Transport] = false, true
		}
	}
	switch {
	case s.opts.Dialect != "":
		v.Dialect = s.opts.Dialect
	case p.reply == protocol.Classic.Reply("i", 0, ""):
		v.Dialect = protocol.Classic
	default:
		v.Dialect = protocol.Glockd
		v.Guessed = p.reply != protocol.Glockd.Reply("i", 0, "\x00")
	}
	unknown := p.Name("unknown")
	lines := p.answers(unknown)
	v.AnswersInvalid = len(lines) == 1 && lines[0] == protocol.Invalid+unknown
	if v.Dialect == protocol.Classic {
		v.Dump = p.enabled("q full")
		return nil
	}
	v.Dump = p.enabled("dump")
	v.Registry = p.enabled("iam")
	if lines = p.answers("v"); len(lines) > 0 && strings.HasPrefix(lines[0], "1 lockd ") {
		v.Extended = true
		v.Kill = slices.Contains(strings.Fields(lines[0]), "kill")
	}
	return nil
}

// enabled reports whether the reply to a command is not that it is disabled.
func (p *probe) enabled(command string) bool {
	lines := p.answers(command)
	return len(lines) == 0 || lines[len(lines)-1] != protocol.Disabled
}

// answers returns the lines that answer a command. If there is no answer, which the
// cases will report, the probe continues with another connection.
func (p *probe) answers(command string) []string {
	lines, err := p.Answer(p.conn, command)
	if err != nil {
		if fresh, err := p.Open("probe", p.On); err == nil {
			p.conn = fresh
		}
	}
	return lines
}

// executesTogether sends two commands in one packet, and reports whether both are
// answered.
func (s *suite) executesTogether(on transport.Endpoint) (bool, error) {
	r := s.newRun(&script.Case{ID: "probe"}, on)
	defer r.Leave()
	c, err := r.Open("pipeline", on)
	if err != nil {
		return false, &ErrUnreachable{on, whatHappened(err)}
	}
	line := "i " + r.Name("free") + "\n"
	if r.Send(c, line+line) != nil {
		return false, nil
	}
	if _, err := c.Line(); err != nil {
		return false, nil
	}
	_, err = c.Line()
	return err == nil, nil
}
