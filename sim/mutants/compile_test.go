package mutants

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listed is the go command's description of a package.
type listed struct {
	Dir, ImportPath, Export string
	GoFiles                 []string
}

// list lists the packages of the mutants, and those that they import, with the go
// command.
func list(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=Dir,ImportPath,Export,GoFiles",
		"./lock", "./wire", "./server/...", "./sim/...")
	cmd.Dir = root
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &said)
	}
	all := map[string]listed{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// TestCompile checks that every mutant compiles. It only type-checks the package with the
// mutant, which takes milliseconds where a build takes a second.
func TestCompile(t *testing.T) {
	packages := list(t)
	files := token.NewFileSet()
	known := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		if p := packages[path]; p.Export != "" {
			return os.Open(p.Export)
		}
		return nil, fmt.Errorf("package %s is not listed", path)
	})
	parsed := map[string]*ast.File{}
	check := func(m Mutant) error {
		text, err := m.apply(root)
		if err != nil {
			return err
		}
		p, found := packages["lockd/"+path.Dir(m.File)]
		if !found {
			return fmt.Errorf("%s is in no package", m.File)
		}
		if !slices.Contains(p.GoFiles, filepath.Base(m.File)) {
			t.Logf("%s is not built here: mutant %q was not checked", m.File, m.Name)
			return nil
		}
		var whole []*ast.File
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			if name == filepath.Base(m.File) {
				mutated, err := parser.ParseFile(files, path, text, 0)
				if err != nil {
					return err
				}
				whole = append(whole, mutated)
				continue
			}
			if parsed[path] == nil {
				if parsed[path], err = parser.ParseFile(files, path, nil, 0); err != nil {
					return err
				}
			}
			whole = append(whole, parsed[path])
		}
		var problems []error
		config := types.Config{Importer: known, Error: func(err error) { problems = append(problems, err) }}
		config.Check(p.ImportPath, files, whole, nil)
		return errors.Join(problems...)
	}
	for _, m := range mutants(t) {
		if err := check(m); err != nil {
			t.Errorf("mutant %q does not compile: %v", m.Name, err)
		}
	}
}
