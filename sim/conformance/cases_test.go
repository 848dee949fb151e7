package conformance

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/scenario"
	"lockd/sim/conformance/script"
)

func TestCasesAreWellFormed(t *testing.T) {
	all := Cases()
	if len(all) < 120 {
		t.Errorf("%d cases: want at least 120", len(all))
	}
	slug := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)
	called := map[string]bool{}
	name := func(word string) (string, error) { return word + "-tag", nil }
	for _, c := range all {
		if !slug.MatchString(c.ID) {
			t.Errorf("%s: want words joined by -", c.ID)
		}
		if !strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s: a title is a sentence", c.ID)
		}
		for _, s := range c.Steps {
			for _, text := range append(s.Want, s.Arg) { // finds misspelt escapes without a server
				if _, err := script.Expand(text, name, name); err != nil {
					t.Errorf("%s: %s: %v", s.At, s.Source, err)
				}
			}
			if s.Verb == "go" {
				called[s.Arg] = true
			}
			if s.Verb == "go" && scenario.All[s.Arg] == nil {
				t.Errorf("%s: no scenario is called %q", s.At, s.Arg)
			}
		}
	}
	for name := range scenario.All {
		if !called[name] {
			t.Errorf("no case calls the scenario %q", name)
		}
	}
}

// untestable are the clauses without a case, each with the reason.
var untestable = map[string]string{
	"DUMP-10": "it allows a server to refuse dumps of more than 16 MiB; a server that never does conforms too",
}

func TestEveryClauseHasACase(t *testing.T) {
	cited := map[string]int{}
	for _, c := range Cases() {
		for _, k := range c.Clauses {
			cited[k.ID]++
		}
	}
	for _, k := range protocol.Clauses() {
		reason, excused := untestable[k.ID]
		switch {
		case cited[k.ID] == 0 && !excused:
			t.Errorf("%s has no case: %s", k.ID, k.Text)
		case cited[k.ID] > 0 && excused:
			t.Errorf("%s has cases but is excused: %s", k.ID, reason)
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
		t.Fatal("the list of cases in docs/conformance.md is not current: run the command in the comment above it")
	}
	if err := os.WriteFile(guide, want, 0o644); err != nil {
		t.Fatal(err)
	}
}

func listOfCases() string {
	var b strings.Builder
	counts := map[protocol.Level]int{}
	for _, c := range Cases() {
		counts[c.Level]++
	}
	fmt.Fprintf(&b, "\n%d cases: %d core, %d family, %d strict, %d extended.\n", len(Cases()), counts[protocol.Core], counts[protocol.Family], counts[protocol.Strict], counts[protocol.Extended])
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
