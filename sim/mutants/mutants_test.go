package mutants

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// mutants returns all mutants of this module.
func mutants(t *testing.T) []Mutant {
	t.Helper()
	list, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// tree writes files into a new folder and returns its path.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	source = "package lock\n\nfunc a() {\n\tx()\n\ty()\n}\n\nfunc b() {\n\tx()\n\tz()\n}\n"
	header = "bug: one\nexpected: world\nwhy: It goes wrong.\n"
)

// TestApply checks the mutated source.
func TestApply(t *testing.T) {
	for _, c := range []struct{ name, change, want string }{
		{"replace", "-\tz()\n+\tw()\n", strings.Replace(source, "z()", "w()", 1)},
		{"remove", "-\ty()\n", strings.Replace(source, "\ty()\n", "", 1)},
		{"insert before", "+\tw()\n \ty()\n", strings.Replace(source, "\ty()\n", "\tw()\n\ty()\n", 1)},
		{"insert after", " \ty()\n+\tw()\n", strings.Replace(source, "\ty()\n", "\ty()\n\tw()\n", 1)},
		{"found by context", " func b() {\n-\tx()\n", strings.Replace(source, "\tx()\n\tz()", "\tz()", 1)},
		{"empty lines", " }\n-\n func b() {\n+\n", strings.Replace(source, "}\n\nfunc b() {\n", "}\nfunc b() {\n\n", 1)},
		{"the last line", " \tz()\n-}\n+}; var c int\n", strings.TrimSuffix(source, "}\n") + "}; var c int\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := tree(t, map[string]string{"lock/a.go": source, Folder + "/lock/a.go.diff": header + c.change})
			list, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			got, err := list[0].apply(dir)
			if err != nil || got != c.want {
				t.Errorf("%v, (-want +got):\n%s", err, cmp.Diff(c.want, got))
			}
		})
	}
}

// TestParse checks that all descriptions of a file are read.
func TestParse(t *testing.T) {
	got, err := parse("a.go.diff", "a.go", "\n"+header+"-a\n+b\n\n\nbug: two\nexpected: race detector\nwhy: So does it: here.\n c\n+d")
	want := []Mutant{
		{"one", "world", "It goes wrong.", "a.go", "a.go.diff:2", []string{"a"}, []string{"b"}},
		{"two", "race detector", "So does it: here.", "a.go", "a.go.diff:9", []string{"c"}, []string{"c", "d"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Mutant{})); err != nil || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
}

// TestLoadRefuses checks that each mistake is reported, with its place.
func TestLoadRefuses(t *testing.T) {
	const file, change = Folder + "/lock/a.go.diff", "-\ty()\n"
	for _, c := range []struct{ name, file, text, want string }{
		{"two with one name", file, header + change + "\n" + header + "-\tz()\n", file + `:6: there is a bug "one" at ` + file + ":1 already"},
		{"the place is gone", file, header + "-\tw()\n", file + `:1: "one" has lost its place: the lines that stay or are replaced are 0 times in lock/a.go`},
		{"two places", file, header + "-\tx()\n", "are 2 times in lock/a.go instead of once"},
		{"two places that overlap", file, header + "-\n+//\n", "are 3 times in lock/a.go instead of once"},
		{"a part of a line", file, header + "-y()\n", "are 0 times in lock/a.go"},
		{"longer than the source", file, header + strings.Repeat("-\tx()\n", 20), "are 0 times in lock/a.go"},
		{"no such source file", Folder + "/lock/b.go.diff", header + change, "b.go.diff:1: open "},
		{"not named after a source file", Folder + "/lock/a.diff", header + change, "lock/a.diff: rename it after the source file"},
		{"not named a description", Folder + "/lock/a.go.txt", header + change, "want FILE.go.diff"},
		{"no bugs", "lock/b.go", "package lock\n", "there are no mutants in "},
		{"no name", file, "bug: \nexpected: world\nwhy: It goes wrong.\n" + change, file + `:1: want "bug: " and a text, got "bug: "`},
		{"no layer", file, "bug: one\nwhy: It goes wrong.\n" + change, file + `:2: want "expected: " and a text, got "why: It goes wrong."`},
		{"an unknown layer", file, "bug: one\nexpected: lop\nwhy: It goes wrong.\n" + change, file + `:2: there is no layer "lop"; choose one of world, loop, bubble, sockets, race detector, tests`},
		{"no why", file, "bug: one\nexpected: world\n" + change, file + `:3: want "why: " and a text, got "-\ty()"`},
		{"an empty why", file, "bug: one\nexpected: world\nwhy:  \n" + change, file + `:3: want "why: " and a text`},
		{"nothing after the name", file, "bug: one", file + `:2: want "expected: " and a text, got ""`},
		{"no change", file, header, file + `:1: "one" has no place`},
		{"only added lines", file, header + "+\tw()\n", file + `:1: "one" has no place`},
		{"only context", file, header + " \ty()\n", file + `:1: "one" changes nothing`},
		{"a line without a sign", file, header + change + "\ty()\n", file + `:5: want a line that begins with a space, '-' or '+'`},
		{"an empty line in the change", file, header + change + "\n+\tw()\n", file + `:6: want "bug: " and a text, got "+\tw()"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(tree(t, map[string]string{"lock/a.go": source, c.file: c.text}))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got the error %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder without mutants was loaded")
	}
}

// TestAsExpected checks which layers may replace each other.
func TestAsExpected(t *testing.T) {
	for _, c := range []struct {
		expected, caught string
		want             bool
	}{
		{"world", "world", true},
		{"loop", "world", false},
		{"bubble", "loop", false},
		{"bubble", "sockets", false},
		{"sockets", "bubble", false},
		{"sockets", "sockets", true},
		{"sockets", "race detector", true},
		{"tests", "sockets", true},
		{"race detector", "tests", true},
		{"tests", "loop", false},
		{"tests", "", false},
	} {
		v := Verdict{Mutant: Mutant{Expected: c.expected}, Layer: c.caught}
		if got := v.AsExpected(); got != c.want {
			t.Errorf("expected in %q, caught by %q: got %t, want %t", c.expected, c.caught, got, c.want)
		}
	}
}

// TestLayersFrom checks that each layer can be the first, and that none is lost.
func TestLayersFrom(t *testing.T) {
	for name, want := range map[string]string{
		"world":         "world loop bubble sockets race detector",
		"loop":          "loop world bubble sockets race detector",
		"race detector": "race detector world loop bubble sockets",
		"tests":         "world loop bubble sockets race detector",
		"":              "world loop bubble sockets race detector",
	} {
		var got []string
		for _, l := range layersFrom(name) {
			got = append(got, l.title)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("from %q: got %q, want %q", name, got, want)
		}
	}
}
