package conformance

import (
	"fmt"
	"slices"

	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/script"
	"lockd/sim/transport"
)

// condition says whether a need is met, and the reason for skipping a case if not.
type condition struct {
	met    bool
	reason string
}

// unmet returns why a case cannot be run on an endpoint; empty if it can.
func (s *suite) unmet(c *script.Case, on transport.Endpoint) string {
	if c.Level == protocol.Extended && !s.server.Extended {
		return "of the extended level, which v does not show"
	}
	features, transports := s.features(), s.transports(on)
	for _, need := range c.Needs {
		what, amount := need.Amount()
		for _, conditions := range []map[string]condition{features, transports, s.limits(amount)} {
			if need, known := conditions[what]; known && !need.met {
				return need.reason
			}
		}
	}
	return ""
}

// features returns the needs about what the server does.
func (s *suite) features() map[string]condition {
	v := &s.server
	return map[string]condition{
		"glockd":         {v.Dialect == protocol.Glockd, "only for the glockd dialect"},
		"classic":        {v.Dialect == protocol.Classic, "only for the classic dialect"},
		"dump":           {v.Dump, "the dump feature is off"},
		"nodump":         {!v.Dump, "the dump feature is on"},
		"registry":       {v.Registry, "the registry is off"},
		"noregistry":     {!v.Registry, "the registry is on"},
		"who":            {v.Dump && v.Registry, "who is off"},
		"nowho":          {!v.Dump || !v.Registry, "who is on"},
		"kill":           {v.Kill, "k is off"},
		"nokill":         {!v.Kill, "k is on"},
		"silent-invalid": {!v.AnswersInvalid, "the server answers unknown commands"},
		"answer-invalid": {v.AnswersInvalid, "the server does not answer unknown commands"},
		"fresh":          {s.opts.Start != nil, "needs a server that was just started: use -start"},
		"stop":           {s.opts.Start != nil, "needs to stop the server: use -start"},
	}
}

// transports returns the needs about the transport of the case.
func (s *suite) transports(on transport.Endpoint) map[string]condition {
	other := func(e transport.Endpoint) bool { return e.Transport != on.Transport }
	return map[string]condition{
		"stream":         {on.IsStream(), "only over streams of bytes"},
		"tcp":            {on.Transport == transport.TCP, "only over tcp"},
		"unix":           {on.Transport == transport.Unix, "only over unix"},
		"ws":             {on.Transport == transport.WebSocket, "only over ws"},
		"known-address":  {on.Transport != transport.Unix, "needs an address that the client knows"},
		"two-transports": {slices.ContainsFunc(s.server.Endpoints, other), "needs a second transport"},
	}
}

// limits returns the needs about sizes, for a need with an amount.
func (s *suite) limits(amount int) map[string]condition {
	o := &s.opts
	within := func(limit int) bool { return limit == 0 || amount <= limit }
	return map[string]condition{
		"max-connections": {o.MaxConnections > 0, "needs the server's limit: use -max-connections"},
		"max-locks":       {o.MaxLocks > 0, "needs the server's limit: use -max-locks"},
		"conns":           {within(o.MaxConnections), fmt.Sprintf("needs %d connections", amount)},
		"locks":           {within(o.MaxLocks), fmt.Sprintf("needs %d locks", amount)},
		"line":            {within(o.MaxLine), fmt.Sprintf("needs lines of %d bytes", amount)},
	}
}
