package docs

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestPackageComments checks that every package says where to begin reading.
func TestPackageComments(t *testing.T) {
	comments := map[string]string{} // by folder
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && file != "..") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || filepath.Dir(file) == filepath.Join("..", "docs") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		if dir := filepath.Dir(file); parsed.Doc != nil {
			comments[dir] += parsed.Doc.Text()
		} else {
			comments[dir] += ""
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(comments) < 30 {
		t.Errorf("only %d packages were found", len(comments))
	}
	for dir, text := range comments {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), "egin with") {
			t.Errorf("the comment of package %s does not say where to begin reading", dir)
		}
	}
}
