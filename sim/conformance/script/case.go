package script

import (
	"slices"
	"strings"

	"lockd/sim/conformance/protocol"
)

// Case is one test of the suite. Cases are read-only.
type Case struct {
	ID      string            // never given to another case
	Title   string            // what is tested, in a sentence
	Hint    string            // what servers that fail here usually do wrong; may be empty
	Clauses []protocol.Clause // what it tests; it is listed under the first
	Level   protocol.Level    // the highest level of its clauses
	Needs   []Need            // the conditions of running it
	Steps   []Step
}

// HasAny reports whether the case has any of some needs.
func (c *Case) HasAny(needs ...Need) bool {
	return slices.ContainsFunc(needs, func(n Need) bool { return slices.Contains(c.Needs, n) })
}

// Alone reports whether no other case may run at the same time as c.
func (c *Case) Alone() bool {
	return c.HasAny("alone", "last", "empty", "fresh", "stop", "max-connections", "max-locks")
}

// ClausesIn returns the clauses that c tests in a dialect: in the classic dialect its
// CLASSIC clauses, in the other the rest; all if that leaves none.
func (c *Case) ClausesIn(d protocol.Dialect) []protocol.Clause {
	classic := slices.DeleteFunc(slices.Clone(c.Clauses), func(k protocol.Clause) bool {
		return strings.HasPrefix(k.ID, "CLASSIC-") != (d == protocol.Classic)
	})
	if len(classic) == 0 {
		return c.Clauses
	}
	return classic
}

// Size measures how much a case does. It counts steps, of which a scenario or a
// repetition is many, and clauses.
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

// Preparation returns the steps that acquire what the case needs, before those that test
// something.
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
