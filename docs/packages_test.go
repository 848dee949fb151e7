package docs

import (
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestPackageComments checks that every package says where to begin reading.
func TestPackageComments(t *testing.T) {
	comments := map[string]string{} // by folder
	for _, file := range goFiles(t) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		comments[path.Dir(file)] += parsed.Doc.Text()
	}
	delete(comments, "docs") // it has tests alone
	for dir, text := range comments {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), "egin with") {
			t.Errorf("the comment of package %s does not say where to begin reading", dir)
		}
	}
}
