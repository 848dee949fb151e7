package docs

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// root is that of the module.
const root = ".."

// files returns the files and folders of the module, with slashes, relative to its
// root, without hidden ones and what is in them.
func files(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == root {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		name, err := filepath.Rel(root, file)
		all = append(all, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// goFiles returns the Go files of the module.
func goFiles(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, file := range files(t) {
		if strings.HasSuffix(file, ".go") && !strings.Contains(file, "testdata/") {
			all = append(all, file)
		}
	}
	if len(all) < 300 {
		t.Errorf("only %d Go files were found", len(all))
	}
	return all
}
