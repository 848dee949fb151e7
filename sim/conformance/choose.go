package conformance

import (
	"fmt"
	"path"
	"slices"
)

// ErrUsage is an error in Options.
type ErrUsage struct{ text string }

// Error says what is wrong.
func (e *ErrUsage) Error() string { return e.text }

func usageError(format string, args ...any) error { return &ErrUsage{fmt.Sprintf(format, args...)} }

// Choose returns the cases that Run would run: those that Level, Run and Skip
// of the options leave.
func Choose(opts Options) ([]*Case, error) {
	cases := slices.DeleteFunc(Cases(), func(c *Case) bool { return c.Level > opts.Level })
	chosen := cases
	if len(opts.Run) > 0 {
		var err error
		if chosen, err = matching(cases, opts.Run); err != nil {
			return nil, err
		}
	}
	skipped, err := matching(cases, opts.Skip)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(chosen, func(c *Case) bool { return slices.Contains(skipped, c) }), nil
}

// matching returns the cases that match any of the patterns. A pattern that
// none matches is an error: it would be taken for one that all pass.
func matching(cases []*Case, patterns []string) ([]*Case, error) {
	var matched []*Case
	for _, pattern := range patterns {
		found := false
		for _, c := range cases {
			ok, err := path.Match(pattern, c.ID)
			if err != nil {
				return nil, usageError("bad pattern %q: %v", pattern, err)
			}
			found = found || ok
			if ok && !slices.Contains(matched, c) {
				matched = append(matched, c)
			}
		}
		if !found {
			return nil, usageError("no case of the level is called %q: see -list", pattern)
		}
	}
	return matched, nil
}

// unmet says why a case cannot be run, or nothing.
func (s *Suite) unmet(c *Case, on int) string {
	v, e := &s.server, s.server.Endpoints[on]
	for _, need := range c.Needs {
		what, amount := need.amount()
		reason := ""
		switch what {
		case "glockd", "classic":
			if string(v.Dialect) != what {
				reason = "is about the " + what + " dialect"
			}
		case "dump":
			reason = when(!v.Dump, "the dump feature is off")
		case "nodump":
			reason = when(v.Dump, "the dump feature is on")
		case "registry":
			reason = when(!v.Registry, "the registry is off")
		case "noregistry":
			reason = when(v.Registry, "the registry is on")
		case "who":
			reason = when(!v.Dump || !v.Registry, "who is off")
		case "nowho":
			reason = when(v.Dump && v.Registry, "who is on")
		case "silent-invalid":
			reason = when(v.AnswersInvalid, "the server was told to answer unknown commands")
		case "answer-invalid":
			reason = when(!v.AnswersInvalid, "the server was not told to answer unknown commands")
		case "stream":
			reason = when(!e.stream(), "is about streams of bytes")
		case "tcp", "unix", "ws":
			reason = when(e.Transport != what, "is about "+what)
		case "known-address":
			reason = when(e.Transport == "unix", "needs an address that the client knows")
		case "two-transports":
			same := func(other Endpoint) bool { return other.Transport == e.Transport }
			reason = when(!slices.ContainsFunc(v.Endpoints, func(o Endpoint) bool { return !same(o) }), "needs a second transport")
		case "fresh":
			reason = when(s.opts.Start == nil, "needs a server just started: use -start")
		case "stop":
			reason = when(s.opts.Start == nil, "needs to stop the server: use -start")
		case "max-connections":
			reason = when(s.opts.MaxConnections == 0, "tell the limit with -max-connections")
		case "max-locks":
			reason = when(s.opts.MaxLocks == 0, "tell the limit with -max-locks")
		case "conns":
			limit := s.opts.MaxConnections
			reason = when(limit > 0 && amount > limit, fmt.Sprintf("needs %d connections", amount))
		case "line":
			reason = when(amount > s.opts.MaxLine, fmt.Sprintf("needs lines of %d bytes", amount))
		case "locks":
			limit := s.opts.MaxLocks
			reason = when(limit > 0 && amount > limit, fmt.Sprintf("needs %d locks", amount))
		}
		if reason != "" {
			return reason
		}
	}
	return ""
}

func when(condition bool, reason string) string {
	if condition {
		return reason
	}
	return ""
}
