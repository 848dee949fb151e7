// Package programs makes the programs of this module for the tests that run them. It tests
// nothing itself. Begin with [Make].
package programs

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Make makes a program, such as lockd, in a folder, and returns its path.
func Make(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	// Unlike go build, go run keeps the program that it has linked, for the tests of other
	// packages and the next time. It runs cp with the program and the path.
	if out, err := exec.Command("go", "run", "-exec", "cp", "lockd/cmd/"+name, path).CombinedOutput(); err != nil {
		return path, fmt.Errorf("%s cannot be made: %w\n%s", name, err, out)
	}
	return path, nil
}
