package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// named is what a text names in backquotes, if it is a Go file or a folder of this
// module.
var named = regexp.MustCompile("`([a-z0-9_/]+(?:\\.go|\\.case)|(?:lock|wire|server|sim|fuzz|cmd|deploy|docs)/[a-z0-9_/]+)`")

// TestPaths checks that every file and folder exists that the texts name, by its whole
// path or the end of it.
func TestPaths(t *testing.T) {
	all := files(t)
	exists := func(name string) bool {
		for _, file := range all {
			if strings.HasSuffix("/"+file, "/"+name) {
				return true
			}
		}
		return false
	}
	count := 0
	for _, text := range []string{"architecture.md", "verification.md", "conformance.md", "operations.md", "lockctl.md", "client.md", "../CONTRIBUTING.md", "../README.md"} {
		data, err := os.ReadFile(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(data), -1) {
			if count++; !exists(m[1]) {
				t.Errorf("%s names %s, which does not exist", text, m[1])
			}
		}
	}
	if count < 60 {
		t.Errorf("only %d names were found", count)
	}
}
