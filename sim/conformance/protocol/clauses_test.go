package protocol

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "generate clauses.go from docs/protocol.md")

// TestClausesAreCurrent compares the generated clauses with docs/protocol.md.
func TestClausesAreCurrent(t *testing.T) {
	text, err := os.ReadFile("../../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(parsed) < 80 {
		t.Errorf("docs/protocol.md has %d clauses, want at least 80", len(parsed))
	}
	want := generate(parsed)
	got, err := os.ReadFile("clauses.go")
	if err != nil && !*update {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	if !*update {
		t.Fatal("clauses.go does not agree with docs/protocol.md; generate it with\ngo test ./sim/conformance/protocol -update")
	}
	if err := os.WriteFile("clauses.go", want, 0o644); err != nil {
		t.Fatal(err)
	}
}

func generate(clauses []Clause) []byte {
	var b bytes.Buffer
	b.WriteString("// Code generated from docs/protocol.md by go test ./sim/conformance/protocol -update. DO NOT EDIT.\n\n")
	b.WriteString("package protocol\n\nvar clauses = []Clause{\n")
	for _, c := range clauses {
		level := string(bytes.ToUpper([]byte(c.Level.String()[:1]))) + c.Level.String()[1:]
		fmt.Fprintf(&b, "{%q, %s, %q, %q},\n", c.ID, level, c.Chapter, c.Text)
	}
	b.WriteString("}\n")
	source, err := format.Source(b.Bytes())
	if err != nil {
		panic(err)
	}
	return source
}

var (
	clauseLine = regexp.MustCompile(`^- \*\*([A-Z]+-[0-9]+)\*\* \((core|family|strict|extended)\) (\S.*)$`)
	// likeClause matches a line that looks like a clause.
	likeClause = regexp.MustCompile(`\*\*[A-Za-z]+-?[0-9]+\*\*|^[-*] +\*\*[A-Z]`)
	link       = regexp.MustCompile(`\[([^\]]+)\]\(#[^)]*\)`)
)

// parse reads the clauses of the document. A line that looks like a clause and is not one
// is an error: it would be lost.
func parse(text string) ([]Clause, error) {
	var all []Clause
	chapter := ""
	seen := map[string]bool{}
	for n, line := range strings.Split(text, "\n") {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			chapter = title
			continue
		}
		m := clauseLine.FindStringSubmatch(line)
		switch {
		case m == nil && likeClause.MatchString(line):
			return nil, fmt.Errorf("line %d of docs/protocol.md looks like a clause; write \"- **ID-N** (LEVEL) TEXT\":\n%s", n+1, line)
		case m == nil:
			continue
		case seen[m[1]]:
			return nil, fmt.Errorf("line %d of docs/protocol.md: there are two clauses %s", n+1, m[1])
		}
		seen[m[1]] = true
		level, err := ParseLevel(m[2])
		if err != nil {
			return nil, err
		}
		all = append(all, Clause{m[1], level, chapter, link.ReplaceAllString(m[3], "$1")})
	}
	return all, nil
}

func TestParse(t *testing.T) {
	got, err := parse("# x\n## A\n\n- **AB-1** (core) See [C-2](#c).\nmore\n## B\n- **C-2** (strict) `x`\n")
	if want := []Clause{{"AB-1", Core, "A", "See C-2."}, {"C-2", Strict, "B", "`x`"}}; err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{
		"- **AB-1** (expert) Text.", "- **AB-1** Text.", "* **AB-1** (core) Text.", "- **AB1** (core) Text.",
		"- **AB-1** (core)", "- **Ab-1** (core) Text.", "- **AB-1** (core) One.\n- **AB-1** (core) Two.",
		"the clause **AB-1** (core) stands inside a line",
	} {
		if got, err := parse(bad); err == nil {
			t.Errorf("%q: read as %v", bad, got)
		}
	}
}
