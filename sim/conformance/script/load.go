package script

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"lockd/sim/conformance/protocol"
)

// Load reads the cases of all files that end in .case, in the order of their clauses in
// docs/protocol.md. The error names the file and the line.
func Load(files fs.FS) ([]*Case, error) {
	names, err := fs.Glob(files, "*.case")
	if err != nil {
		return nil, err
	}
	var cases []*Case
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		p := parser{file: name}
		for line := range strings.Lines(string(text)) {
			p.line++
			if err := p.parse(strings.TrimSpace(line)); err != nil {
				return nil, fmt.Errorf("cases/%s:%d: %w", name, p.line, err)
			}
		}
		cases = append(cases, p.cases...)
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if seen[c.ID] {
			return nil, fmt.Errorf("two cases are called %q", c.ID)
		}
		seen[c.ID] = true
		if len(c.Clauses) == 0 || c.Title == "" || len(c.Steps) == 0 {
			return nil, fmt.Errorf("case %q lacks a clause, a title or steps", c.ID)
		}
	}
	slices.SortStableFunc(cases, func(a, b *Case) int {
		return protocol.Place(a.Clauses[0].ID) - protocol.Place(b.Clauses[0].ID)
	})
	return cases, nil
}

// parser reads one file, line by line.
type parser struct {
	file  string
	line  int
	cases []*Case
}

func (p *parser) parse(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if word == "case" {
		if rest == "" || strings.ContainsAny(rest, " \t") {
			return fmt.Errorf("%q is not a case id", rest)
		}
		p.cases = append(p.cases, &Case{ID: rest})
		return nil
	}
	if len(p.cases) == 0 {
		return fmt.Errorf("%q is before the first case", line)
	}
	c := p.cases[len(p.cases)-1]
	switch word {
	case "clause":
		return c.cite(strings.Fields(rest))
	case "title":
		c.Title = rest
	case "hint":
		c.Hint = rest
	case "needs":
		for _, text := range strings.Fields(rest) {
			need, err := parseNeed(text)
			if err != nil {
				return err
			}
			c.Needs = append(c.Needs, need)
		}
	case "|":
		if len(c.Steps) == 0 || !c.Steps[len(c.Steps)-1].asks() {
			return errors.New("a | line without a question before it")
		}
		last := &c.Steps[len(c.Steps)-1]
		last.Want = append(last.Want, strings.TrimPrefix(line[1:], " "))
	default:
		s, err := parseStep(line)
		if err != nil {
			return err
		}
		s.At = fmt.Sprintf("cases/%s:%d", p.file, p.line)
		c.Steps = append(c.Steps, s)
	}
	return nil
}

func (c *Case) cite(ids []string) error {
	for _, id := range ids {
		clause, found := protocol.Find(id)
		if !found {
			return fmt.Errorf("docs/protocol.md has no clause %q", id)
		}
		c.Clauses = append(c.Clauses, clause)
		c.Level = max(c.Level, clause.Level)
	}
	return nil
}
