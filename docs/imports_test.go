package docs

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// row is a row of the table of rooms in architecture.md: a folder, and what may be
// imported in it and below it, outside tests.
var row = regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\| .* \\| (nothing|`[^|]*`) \\|$")

// rooms reads the table: what a folder may import, with all that is below that.
func rooms(t *testing.T) map[string][]string {
	text, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("\n## The rooms\n"))
	text, _, _ = bytes.Cut(text, []byte("\n## "))
	all := map[string][]string{}
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("| `")) && !row.Match(bytes.TrimRight(line, "\n")) {
			t.Errorf("the table of rooms in architecture.md has a row that cannot be read: %s", line)
		}
	}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		allowed := []string{m[1]}
		if m[2] != "nothing" {
			allowed = append(allowed, strings.Split(strings.Trim(m[2], "`"), "`, `")...)
		}
		all[m[1]] = allowed
	}
	if len(all) < 25 {
		t.Fatalf("the table of rooms in architecture.md has only %d rows", len(all))
	}
	return all
}

// pure are the rooms that are functions of their arguments, but for what
// permitted lets in. They may not import what is surprising.
var pure = []string{"lock", "wire", "server/core", "server/life", "server/hub", "server/loop"}

// surprising lists packages that bring in clocks, randomness, the system or the network.
var surprising = []string{
	"time", "math/rand", "math/rand/v2", "crypto/rand", "os", "os/exec", "sync", "sync/atomic", "context", "net", "net/http",
	"log", "log/slog", "unsafe", "runtime", "hash/maphash", "syscall", "golang.org/x/sys/unix",
}

// permitted are exceptions: the table of locks has random hashes, which reach no output, Hub
// has the mutex, and loops the numbers of errors.
var permitted = map[string][]string{
	"lock":        {"hash/maphash"},
	"server/hub":  {"sync", "sync/atomic"},
	"server/loop": {"syscall"},
}

// TestImports checks the rooms.
func TestImports(t *testing.T) {
	rules := rooms(t)
	for _, file := range goFiles(t) {
		if !strings.HasSuffix(file, "_test.go") {
			checkImports(t, rules, file)
		}
	}
	for _, room := range pure {
		if rules[room] == nil {
			t.Errorf("%s has no row of its own in the table of rooms in architecture.md", room)
		}
	}
	for room, allowed := range rules { // for what exists
		for _, dir := range allowed {
			if _, err := os.Stat(filepath.Join(root, dir)); err != nil {
				t.Errorf("the rule for %s: %v", room, err)
			}
		}
	}
}

func checkImports(t *testing.T, rules map[string][]string, file string) {
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	room, allowed := roomOf(rules, path.Dir(file))
	if room == "" {
		t.Errorf("%s is in no room of architecture.md", file)
		return
	}
	for _, spec := range parsed.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		ours, isOurs := strings.CutPrefix(name, "lockd/")
		if isOurs && !within(ours, allowed) {
			t.Errorf("%s imports %s, which %s may not", file, name, room)
		}
		if slices.Contains(pure, room) && slices.Contains(surprising, name) && !slices.Contains(permitted[room], name) {
			t.Errorf("%s imports %s, which what decides may not", file, name)
		}
	}
}

func roomOf(rules map[string][]string, dir string) (room string, allowed []string) {
	for ; dir != "."; dir = path.Dir(dir) {
		if allowed, ok := rules[dir]; ok {
			return dir, allowed
		}
	}
	return "", nil
}

func within(pkg string, rooms []string) bool {
	for _, room := range rooms {
		if pkg == room || strings.HasPrefix(pkg, room+"/") {
			return true
		}
	}
	return false
}
