package script

import (
	"slices"
	"strings"

	"lockd/sim/conformance/protocol"
)

// Case is one test of the suite. Cases are read-only.
type Case struct {
	ID      string            // a word that is never given to another case
	Title   string            // what is tested, in a sentence
	Hint    string            // what servers that fail here usually do wrong; may be empty
	Clauses []protocol.Clause // what it tests; the first is the one it is listed under
	Level   protocol.Level    // the highest level of its clauses
	Needs   []Need            // what must be so for it to be run
	Steps   []Step
}

// HasAny says whether the case has any of some needs.
func (c *Case) HasAny(needs ...Need) bool {
	return slices.ContainsFunc(needs, func(n Need) bool { return slices.Contains(c.Needs, n) })
}

// Alone says whether no other case may run beside c.
func (c *Case) Alone() bool {
	return c.HasAny("alone", "last", "empty", "fresh", "stop", "max-connections", "max-locks")
}

// ClausesIn returns what c tests in that dialect: the clauses of the classic
// dialect take the place of those that they replace.
func (c *Case) ClausesIn(d protocol.Dialect) []protocol.Clause {
	classic := slices.DeleteFunc(slices.Clone(c.Clauses), func(k protocol.Clause) bool {
		return strings.HasPrefix(k.ID, "CLASSIC-") != (d == protocol.Classic)
	})
	if len(classic) == 0 {
		return c.Clauses
	}
	return classic
}

// Size is how much a case does: its steps, where a scenario and a repetition are
// many, and every clause counts too.
func (c *Case) Size() int {
	const many = 30
	n := len(c.Steps) + 5*len(c.Clauses)
	for _, s := range c.Steps {
		if s.Verb == "go" || s.Verb == ">times" {
			n += many
		}
	}
	return n
}

// Preparation is the steps that acquire what the case needs, before what it is about.
func (c *Case) Preparation() []Step {
	if strings.HasPrefix(c.Clauses[0].ID, "GET-") || strings.HasPrefix(c.Clauses[0].ID, "SGET-") {
		return nil
	}
	n := slices.IndexFunc(c.Steps, func(s Step) bool {
		word, _, _ := strings.Cut(s.Arg, " ")
		switch s.Verb {
		case "open":
			return false
		case ">":
			return word != "g" && word != "sg" && word != "iam"
		case "<":
			return s.Arg != "yes" && s.Arg != "1"
		}
		return true
	})
	return c.Steps[:max(n, 0)]
}
