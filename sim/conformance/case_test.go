package conformance

import (
	"bytes"
	"flag"
	"fmt"
	"go/build"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestCasesAreWellFormed(t *testing.T) {
	cases, err := loadCases(caseFiles)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 120 {
		t.Errorf("%d cases: want at least 120", len(cases))
	}
	slug := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)
	for _, c := range cases {
		if !slug.MatchString(c.ID) {
			t.Errorf("%s: want words joined by -", c.ID)
		}
		if !strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s: a title is a sentence", c.ID)
		}
	}
}

// untestable are the clauses without a case, each with the reason.
var untestable = map[string]string{
	"DUMP-10": "it lets a server refuse dumps of more than 16 MiB; a server that never does conforms too",
}

func TestEveryClauseHasACase(t *testing.T) {
	clauses := Clauses()
	if len(clauses) < 80 {
		t.Fatalf("found %d clauses in docs/protocol.md: want at least 80", len(clauses))
	}
	cited := map[string]int{}
	for _, c := range Cases() {
		for _, k := range c.Clauses {
			cited[k.ID]++
		}
	}
	for _, k := range clauses {
		reason, excused := untestable[k.ID]
		switch {
		case cited[k.ID] == 0 && !excused:
			t.Errorf("%s has no case: %s", k.ID, k.Text)
		case cited[k.ID] > 0 && excused:
			t.Errorf("%s has cases but is excused: %s", k.ID, reason)
		}
	}
}

// TestEveryClauseIsRead compares the ids that the parser finds with all that
// look like one in bold.
func TestEveryClauseIsRead(t *testing.T) {
	text, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	bold := regexp.MustCompile(`\*\*[A-Z]+-[0-9]+\*\*`).FindAll(text, -1)
	if len(bold) != len(Clauses()) {
		t.Errorf("docs/protocol.md has %d ids, %d were read", len(bold), len(Clauses()))
	}
}

func TestScriptErrors(t *testing.T) {
	for line, want := range map[string]string{
		"clause NO-1":    "no clause",
		"needs luck":     "unknown need",
		"a>> g x":        "neither a header nor a step",
		"a>shout g x":    "unknown verb",
		"go nowhere":     "no scenario",
		"| orphan line":  "without a question",
		"case two words": "no case id",
	} {
		p := caseParser{clauses: Clauses(), order: map[string]int{}}
		p.parse("case some-case")
		if err := p.parse(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want one about %q", line, err, want)
		}
	}
}

// TestExpandsEveryStep expands the texts of all steps, so that a misspelt
// escape is found without a server.
func TestExpandsEveryStep(t *testing.T) {
	name := func(word string) (string, error) { return word + "-tag", nil }
	for _, c := range Cases() {
		for _, s := range c.steps {
			for _, text := range append(s.want, s.arg) {
				if _, err := expand(text, name, name); err != nil {
					t.Errorf("%s: %s: %v", s.at, s.src, err)
				}
			}
		}
	}
}

const (
	guide     = "../../docs/conformance.md"
	listBegin = "<!-- list of cases: written by go test ./sim/conformance -run TestGuideListsCases -update-list -->\n"
)

var updateList = flag.Bool("update-list", false, "rewrite the list of cases in docs/conformance.md")

// TestGuideListsCases keeps the list at the end of docs/conformance.md current.
func TestGuideListsCases(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := bytes.Cut(text, []byte(listBegin))
	if !ok {
		t.Fatalf("docs/conformance.md lacks the line %q", listBegin)
	}
	want := append(bytes.Clone(before), listBegin+listOfCases()...)
	if bytes.Equal(text, want) {
		return
	}
	if !*updateList {
		t.Fatal("the list of cases in docs/conformance.md is not current: run the command that stands above it")
	}
	if err := os.WriteFile(guide, want, 0o644); err != nil {
		t.Fatal(err)
	}
}

func listOfCases() string {
	var b strings.Builder
	counts := map[Level]int{}
	for _, c := range Cases() {
		counts[c.Level]++
	}
	fmt.Fprintf(&b, "\n%d cases: %d core, %d family, %d strict.\n", len(Cases()), counts[Core], counts[Family], counts[Strict])
	chapter := ""
	for _, c := range Cases() {
		if title := c.Clauses[0].Chapter; title != chapter {
			chapter = title
			fmt.Fprintf(&b, "\n### %s\n\n| case | level | clauses | what is tested |\n|---|---|---|---|\n", chapter)
		}
		var ids []string
		for _, k := range c.Clauses {
			ids = append(ids, k.ID)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.ID, c.Level, strings.Join(ids, ", "), c.Title)
	}
	return b.String()
}

// TestKnowsAddressesOnly keeps the suite a black box: of this module it may
// import the protocol text alone.
func TestKnowsAddressesOnly(t *testing.T) {
	p, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range p.Imports {
		if strings.HasPrefix(path, "lockd/") && path != "lockd/docs" {
			t.Errorf("the suite imports %s", path)
		}
	}
}
