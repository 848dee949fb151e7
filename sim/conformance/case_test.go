package conformance

import (
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
		if !strings.HasSuffix(c.Title, ".") || c.Hint != "" && !strings.HasSuffix(c.Hint, ".") && !strings.HasSuffix(c.Hint, ")") {
			t.Errorf("%s: title and hint are sentences", c.ID)
		}
	}
}
