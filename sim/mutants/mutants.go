// Package mutants holds deliberate bugs and runs the simulation against each, to check
// that the simulation detects them.
//
// Mutants are described in files below bugs: those of the source file DIR/FILE.go are in
// bugs/DIR/FILE.go.diff, one after the other, separated by empty lines:
//
//	bug: release ignores the holder
//	expected: world
//	why: Any client releases a lock that another works under.
//	-	if l == nil || l.owner.id != id {
//	+	if l == nil {
//
// The name is unique. The layer that is expected to catch the mutant, the cheapest that
// does, is world, loop, bubble, sockets, race detector or tests (see
// docs/verification.md). Why
// is one sentence: what would go wrong, or which kind of mistake this is. The
// change follows, in whole lines: lines with a minus are replaced by lines with a plus;
// lines with a space are context. Context and replaced lines together must occur exactly
// once in the source file, so there are just enough lines of context. An empty line of
// the source is written as the first character alone.
//
// The source is not changed: the compiler gets the mutated file with -overlay. A mutant
// whose lines no longer occur in the source is an error, so that it does not silently
// drop out of the list.
//
// The package runs no layer in its own process: the probe, built around each mutant, does. Begin with [Load], then [Run].
package mutants

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Folder is where the mutants are described, relative to the module.
const Folder = "sim/mutants/bugs"

// suffix follows the name of the source file in the name of its file of descriptions.
const suffix = ".diff"

// Mutant is one deliberate bug.
type Mutant struct {
	Name     string // unique, a few words
	Expected string // the layer that is expected to catch it
	Why      string // one sentence
	File     string // the source file, relative to the module, with slashes
	Place    string // FILE:LINE of the description, relative to the module
	old, new []string
}

// Load reads all mutants of the module at root, ordered by source file. It returns an
// error if a description is invalid, if two mutants have the same name, or if the lines
// of a mutant do not occur exactly once in the source.
func Load(root string) ([]Mutant, error) {
	var list []Mutant
	var problems []error
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, Folder, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		source, found := strings.CutSuffix(strings.TrimPrefix(file, Folder+"/"), suffix)
		if !found || path.Ext(source) != ".go" {
			problems = append(problems, fmt.Errorf("%s: rename it after the source file whose bugs it describes: want FILE.go%s", file, suffix))
			return nil
		}
		of, err := parse(file, source, string(text))
		problems = append(problems, err)
		list = append(list, of...)
		return nil
	})
	if len(list) == 0 {
		problems = append(problems, fmt.Errorf("there are no mutants in %s", filepath.Join(root, Folder)))
	}
	return list, errors.Join(append(problems, err, check(root, list))...)
}

// check returns errors for mutants without a place in the source, or with the name of
// another.
func check(root string, list []Mutant) error {
	var problems []error
	places := map[string]string{}
	for _, m := range list {
		if other, taken := places[m.Name]; taken {
			problems = append(problems, fmt.Errorf("%s: there is a bug %q at %s already; choose another name", m.Place, m.Name, other))
		}
		places[m.Name] = m.Place
		_, err := m.apply(root)
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// apply returns the mutated text of the source file.
func (m Mutant) apply(root string) (string, error) {
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.File)))
	if err != nil {
		return "", fmt.Errorf("%s: %w", m.Place, err)
	}
	lines := strings.Split(string(source), "\n")
	var found []int
	for at := range len(lines) - len(m.old) + 1 {
		if slices.Equal(lines[at:at+len(m.old)], m.old) {
			found = append(found, at)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s: %q has lost its place: the lines that stay or are replaced are %d times in %s instead of once; change them after the source:\n%s",
			m.Place, m.Name, len(found), m.File, strings.Join(m.old, "\n"))
	}
	return strings.Join(slices.Replace(lines, found[0], found[0]+len(m.old), m.new...), "\n"), nil
}
