// Command rename gives this module another path, as a fork needs that is published: in
// go.mod, and in the imports of all Go files. Run it in the root of the module. It does not
// look into other files. Begin with rename.
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	if len(os.Args) != 2 || !valid.MatchString(os.Args[1]) {
		fmt.Fprintln(os.Stderr, "rename: which path? write go run ./docs/rename example.org/lockd")
		os.Exit(2)
	}
	if err := rename(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "rename:", err)
		os.Exit(1)
	}
}

// valid is what a path looks like that can be published: its first element has a dot.
var valid = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~-]+)+$`)

var module = regexp.MustCompile(`(?m)^module (\S+)$`)

func rename(path string) error {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return err
	}
	m := module.FindSubmatch(mod)
	if m == nil {
		return fmt.Errorf("go.mod has no line that begins with module")
	}
	old := string(m[1])
	// Only what is quoted is a path: of an import, or of a flag of a linker.
	imports := regexp.MustCompile(`"` + regexp.QuoteMeta(old) + `/([a-z0-9/]*)"`)
	changed := 0
	err = filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(file) != ".go" {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		now := imports.ReplaceAll(text, []byte(`"`+path+`/$1"`))
		if bytes.Equal(now, text) {
			return nil
		}
		changed++
		return os.WriteFile(file, now, 0o644)
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile("go.mod", module.ReplaceAll(mod, []byte("module "+path)), 0o644); err != nil {
		return err
	}
	fmt.Printf("%s is %s now, in go.mod and %d files\n", old, path, changed)
	return nil
}
