// Package mutants holds deliberate bugs and runs the simulation against each:
// the proof that it bites.
//
// A mutant is a replacement of text in one file of the server. The source stays
// as it is; the mutated file is given to the compiler by -overlay. A mutant
// whose text is not in the source exactly once has lost its place, and fails
// the list instead of dropping out of it.
package mutants

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Mutant is one deliberate bug.
type Mutant struct {
	Name string // unique, a few words
	File string // relative to the module
	Old  string // must be in File exactly once
	New  string
}

// All returns every mutant, by room.
func All() []Mutant {
	var all []Mutant
	for _, room := range [][]Mutant{lockMutants, wireMutants, coreMutants, lifeMutants, loopMutants, serverMutants, kernelMutants} {
		all = append(all, room...)
	}
	return all
}

// apply returns the mutated text of the file, whose module is at root.
func (m Mutant) apply(root string) (string, error) {
	source, err := os.ReadFile(filepath.Join(root, m.File))
	if err != nil {
		return "", fmt.Errorf("mutant %q: %w", m.Name, err)
	}
	if n := strings.Count(string(source), m.Old); n != 1 {
		return "", fmt.Errorf("mutant %q: its text is %d times in %s instead of once; find its place again:\n%s", m.Name, n, m.File, m.Old)
	}
	return strings.Replace(string(source), m.Old, m.New, 1), nil
}

// Places checks that every mutant has its place in the source, and a name of
// its own.
func Places(root string) error {
	var problems []error
	seen := map[string]bool{}
	for _, m := range All() {
		if _, err := m.apply(root); err != nil {
			problems = append(problems, err)
		}
		if seen[m.Name] || m.Name == "" {
			problems = append(problems, fmt.Errorf("two mutants are called %q", m.Name))
		}
		seen[m.Name] = true
	}
	return errors.Join(problems...)
}
