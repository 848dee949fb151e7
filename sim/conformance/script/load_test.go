package script

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"clause NO-1":                          "no clause",
		"needs luck":                           "unknown need",
		"needs conns":                          "requires a number",
		"needs conns=many":                     "requires a number",
		"needs tcp=1":                          "unknown need",
		"a>> g x":                              "neither a header nor a step",
		"a>shout g x":                          "unknown verb",
		"| orphan line":                        "without a question",
		"case two words":                       "not a case id",
		"title Nothing is tested.":             "lacks a clause",
		"title T.\nclause GET-1\na> g\ncase x": `case "x" lacks`,
	} {
		files := fstest.MapFS{"x.case": {Data: []byte("case some-case\n" + text + "\n")}}
		if _, err := Load(files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want one about %q", text, err, want)
		}
	}
	files := fstest.MapFS{"x.case": {Data: []byte("a> g x\n")}}
	if _, err := Load(files); err == nil || !strings.Contains(err.Error(), "cases/x.case:1:") {
		t.Errorf("a step without a case: %v", err)
	}
}
