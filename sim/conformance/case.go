package conformance

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Case is one test of the suite. Cases are read-only.
type Case struct {
	ID      string   // a word that is never given to another case
	Title   string   // what is tested, in a sentence
	Hint    string   // what servers that fail here usually do wrong; may be empty
	Clauses []Clause // what it tests; the first is the one it is listed under
	Level   Level    // the highest level of its clauses
	Needs   []Need   // what must be so for it to be run
	steps   []step
}

// Need is a condition of running a case. These exist:
//
//	alone             no other case runs at the same time
//	last              alone, after all others, as the server may be busy afterwards
//	empty             alone, and nobody holds anything
//	fresh             alone, on a server that was just started
//	glockd, classic   that dialect
//	dump, nodump, registry, noregistry, who, nowho   features on or off
//	silent-invalid, answer-invalid   how unknown commands are answered
//	stream            tcp or unix: a transport of bytes, not messages
//	tcp, unix, ws     that transport
//	known-address     tcp or ws: clients know the address that the server shows
//	two-transports    a second transport to the same server
//	stop              the suite can stop the server
//	max-connections, max-locks   the suite was told this limit
//	conns=N, locks=N  so many connections or holdings at once
//	line=N            lines of so many bytes
type Need string

var needs = []Need{
	"alone", "last", "empty", "fresh", "glockd", "classic", "dump", "nodump", "registry", "noregistry",
	"who", "nowho", "silent-invalid", "answer-invalid", "stream", "tcp", "unix", "ws", "known-address",
	"two-transports", "stop", "max-connections", "max-locks", "conns", "locks", "line",
}

// amount splits needs like conns=200.
func (n Need) amount() (what string, amount int) {
	what, number, _ := strings.Cut(string(n), "=")
	amount, _ = strconv.Atoi(number)
	return what, amount
}

func (c *Case) needs(any ...Need) bool {
	return slices.ContainsFunc(any, func(n Need) bool { return slices.Contains(c.Needs, n) })
}

// alone says whether no other case may run beside c.
func (c *Case) alone() bool {
	return c.needs("alone", "last", "empty", "fresh", "stop", "max-connections", "max-locks")
}

// turn orders the cases that run alone.
func (c *Case) turn() int {
	if c.needs("last") {
		return 1
	}
	return 0
}

//go:embed cases/*.case
var caseFiles embed.FS

// Cases returns all cases, in the order of their clauses in docs/protocol.md.
// It panics when a script is malformed, which a test excludes.
func Cases() []*Case { return slices.Clone(allCases()) }

var allCases = sync.OnceValue(func() []*Case {
	cases, err := loadCases(caseFiles)
	if err != nil {
		panic(err)
	}
	return cases
})

func loadCases(files fs.FS) ([]*Case, error) {
	names, err := fs.Glob(files, "cases/*.case")
	if err != nil {
		return nil, err
	}
	order := map[string]int{}
	clauses := Clauses()
	for i, clause := range clauses {
		order[clause.ID] = i
	}
	var cases []*Case
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		p := caseParser{file: name, clauses: clauses, order: order}
		for line := range strings.Lines(string(text)) {
			p.line++
			if err := p.parse(strings.TrimRight(line, " \t\r\n")); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, p.line, err)
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
		if len(c.Clauses) == 0 || c.Title == "" || len(c.steps) == 0 {
			return nil, fmt.Errorf("case %q lacks a clause, a title or steps", c.ID)
		}
	}
	slices.SortStableFunc(cases, func(a, b *Case) int {
		return order[a.Clauses[0].ID] - order[b.Clauses[0].ID]
	})
	return cases, nil
}

type caseParser struct {
	file    string
	line    int
	clauses []Clause
	order   map[string]int // clause id to its place in clauses
	cases   []*Case
}

func (p *caseParser) parse(line string) error {
	trimmed := strings.TrimSpace(line)
	if trimmed == "" || trimmed[0] == '#' {
		return nil
	}
	word, rest, _ := strings.Cut(trimmed, " ")
	rest = strings.TrimSpace(rest)
	if word == "case" {
		if rest == "" || strings.ContainsAny(rest, " \t") {
			return fmt.Errorf("%q is no case id", rest)
		}
		p.cases = append(p.cases, &Case{ID: rest})
		return nil
	}
	if len(p.cases) == 0 {
		return fmt.Errorf("%q stands before the first case", trimmed)
	}
	c := p.cases[len(p.cases)-1]
	switch word {
	case "clause":
		return p.cite(c, strings.Fields(rest))
	case "title":
		c.Title = rest
	case "hint":
		c.Hint = rest
	case "needs":
		for _, need := range strings.Fields(rest) {
			if what, _ := Need(need).amount(); !slices.Contains(needs, Need(what)) {
				return fmt.Errorf("unknown need %q", need)
			}
			c.Needs = append(c.Needs, Need(need))
		}
	case "|":
		if len(c.steps) == 0 || !c.steps[len(c.steps)-1].asks() {
			return fmt.Errorf("a | line without a question before it")
		}
		last := &c.steps[len(c.steps)-1]
		last.want = append(last.want, strings.TrimPrefix(trimmed[1:], " "))
	default:
		s, err := parseStep(trimmed)
		if err != nil {
			return err
		}
		s.at = fmt.Sprintf("%s:%d", p.file, p.line)
		c.steps = append(c.steps, s)
	}
	return nil
}

func (p *caseParser) cite(c *Case, ids []string) error {
	for _, id := range ids {
		i, ok := p.order[id]
		if !ok {
			return fmt.Errorf("docs/protocol.md has no clause %q", id)
		}
		c.Clauses = append(c.Clauses, p.clauses[i])
		c.Level = max(c.Level, p.clauses[i].Level)
	}
	return nil
}

// clauses returns what c tests in that dialect: the clauses of the classic
// dialect take the place of those that they replace.
func (c *Case) clausesIn(d Dialect) []Clause {
	classic := slices.DeleteFunc(slices.Clone(c.Clauses), func(k Clause) bool {
		return strings.HasPrefix(k.ID, "CLASSIC-") != (d == Classic)
	})
	if len(classic) == 0 {
		return c.Clauses
	}
	return classic
}
