package mutants

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkTable returns an error unless a file has the table of these mutants.
func checkTable(path string, list []Mutant) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	want, err := withTable(string(text), list)
	if err != nil {
		return fmt.Errorf("%s %w", path, err)
	}
	if want != string(text) {
		return errors.New("the table of deliberate bugs differs from " + Folder + "; regenerate it with\ngo run ./cmd/lockcheck mutants -table docs/verification.md")
	}
	return nil
}

// TestTable checks that the table in docs/verification.md is up to date.
func TestTable(t *testing.T) {
	if n := len(mutants(t)); n < 260 {
		t.Errorf("there are only %d mutants", n)
	}
	if err := checkTable(filepath.Join(root, "docs", "verification.md"), mutants(t)); err != nil {
		t.Error(err)
	}
}

// TestWriteTable checks the contents of the table, and that an old table is detected.
func TestWriteTable(t *testing.T) {
	list := []Mutant{
		{Name: "one", Expected: "world", Why: "Either | or.", File: "lock/a.go"},
		{Name: "two", Expected: "tests", Why: "So.", File: "lock/b.go"},
	}
	file := filepath.Join(t.TempDir(), "text.md")
	if err := os.WriteFile(file, []byte("before\n"+tableBegin+"\nold\n"+tableEnd+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := checkTable(file, list); err == nil || !strings.Contains(err.Error(), "mutants -table docs/verification.md") {
		t.Errorf("of an old table: %v", err)
	}
	if err := WriteTable(file, list); err != nil {
		t.Fatal(err)
	}
	if err := checkTable(file, list); err != nil {
		t.Errorf("of a new table: %v", err)
	}
	got, err := os.ReadFile(file)
	want := "before\n" + tableBegin + `

2 deliberate bugs. Expected to be caught by world: 1, loop: 0, bubble: 0, sockets: 0, race detector: 0, tests: 1.

| deliberate bug | in | caught by | why |
|---|---|---|---|
| one | lock/a.go | world | Either \| or. |
| two | lock/b.go | tests | So. |

` + tableEnd + "\nafter\n"
	if err != nil || string(got) != want {
		t.Errorf("%v, got:\n%s\nwant:\n%s", err, got, want)
	}
	list[1].Why = "So it is."
	if checkTable(file, list) == nil {
		t.Error("a changed why was not detected")
	}
	if checkTable(file, list[:1]) == nil {
		t.Error("a removed mutant was not detected")
	}
	if err := os.WriteFile(file, []byte(tableBegin+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteTable(file, list); err == nil || !strings.Contains(err.Error(), "has no place for the table") {
		t.Errorf("without a place: %v", err)
	}
}
