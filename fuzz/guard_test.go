package fuzz

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// targets counts, for every fuzz target that ran, its inputs and the useful ones among
// them, which reached what the target tests: a command that was granted, a reply that
// was read, a connection that was served.
var targets sync.Map // name to *effect

type effect struct {
	mu             sync.Mutex
	inputs, useful int
}

// reached counts one input of a target.
func reached(f *testing.F, useful bool) {
	value, ok := targets.Load(f.Name())
	if !ok {
		value, _ = targets.LoadOrStore(f.Name(), new(effect))
	}
	e := value.(*effect)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inputs++
	if useful {
		e.useful++
	}
}

// TestMain fails a full run in which a target has lost its seeds or none of them was
// useful. Such a target would pass unnoticed.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if code == 0 && isFullRun() {
		code = guard()
	}
	os.Exit(code)
}

func isFullRun() bool {
	for _, name := range []string{"test.run", "test.fuzz", "test.skip", "test.list", "test.bench"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

const minimumSeeds = 5

// guard compares the targets that the source declares with those that ran, and returns
// the exit code.
func guard() int {
	code := 0
	names, err := declaredTargets()
	if err != nil || len(names) < 10 {
		println("fuzz: found", len(names), "targets in the source, want 10 or more")
		return 1
	}
	for _, name := range names {
		value, ok := targets.Load(name)
		if !ok {
			println("fuzz:", name, "ran no seed: its corpus is missing, or it never calls reached")
			code = 1
			continue
		}
		e := value.(*effect)
		if e.inputs < minimumSeeds || e.useful == 0 {
			println("fuzz:", name, "ran", e.inputs, "seeds, of which", e.useful, "reached what it tests; want at least", minimumSeeds, "and 1")
			code = 1
		}
	}
	return code
}

// declaredTargets returns the names of the fuzz targets of this package.
func declaredTargets() ([]string, error) {
	var names []string
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Fuzz") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names, nil
}

// TestCorpora checks that every folder of seeds belongs to a target, and that the table
// in testdata/README.md says what each seed showed.
func TestCorpora(t *testing.T) {
	names, err := declaredTargets()
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, name := range names {
		known[name] = true
	}
	table, err := os.ReadFile("testdata/README.md")
	if err != nil {
		t.Fatal(err)
	}
	seeds := 0
	err = filepath.WalkDir("testdata/fuzz", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seeds++
		if target := filepath.Base(filepath.Dir(path)); !known[target] {
			t.Errorf("%s belongs to no target", path)
		}
		if !strings.Contains(string(table), d.Name()) {
			t.Errorf("testdata/README.md does not say what %s showed", path)
		}
		return nil
	})
	if err != nil || seeds == 0 {
		t.Errorf("found %d seeds: %v", seeds, err)
	}
}
