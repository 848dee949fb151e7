package docs

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms lists what the packages below a folder may import of this module,
// outside tests, with all that is below those; the longest folder that fits
// counts. See architecture.md.
var rooms = map[string][]string{
	"lock":               {},
	"wire":               {},
	"server":             {"server", "wire"},
	"server/core":        {"lock", "wire"},
	"server/life":        {"server/core"},
	"server/hub":         {"server/core"},
	"server/loop":        {"server/core", "server/hub", "server/life"},
	"server/epoll":       {"server/core", "server/loop"},
	"sim":                {"sim", "server", "wire"},
	"sim/model":          {},
	"sim/judge":          {"sim/model", "server/core", "wire"},
	"sim/transport":      {},
	"sim/history":        {"wire", "sim/shrink"},
	"sim/conformance":    {"sim/conformance", "sim/history", "sim/transport"},
	"fuzz":               {"lock", "wire", "server", "sim"},
	"cmd/lockd":          {"server", "wire"},
	"cmd/lockcheck":      {"cmd/lockcheck", "sim", "fuzz", "wire"},
	"cmd/lockcheck/load": {},
	"docs":               {},
}

// pure are the rooms that are functions of their arguments, but for what
// permitted lets in. They may not import what is surprising.
var pure = []string{"lock", "wire", "server/core", "server/life", "server/hub", "server/loop"}

// surprising lists standard packages that let surprises in.
var surprising = []string{"time", "math/rand", "math/rand/v2", "os", "sync", "sync/atomic", "context", "net", "net/http", "log", "log/slog", "unsafe", "runtime"}

// permitted are exceptions: Hub has the mutex, and nothing else that surprises.
var permitted = map[string][]string{"server/hub": {"sync", "sync/atomic"}}

// TestImports checks the rooms.
func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && file != "..") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		files++
		checkImports(t, filepath.ToSlash(strings.TrimPrefix(file, ".."+string(filepath.Separator))), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 30 {
		t.Errorf("only %d files were found", files)
	}
	for room, allowed := range rooms { // rules for what exists
		for _, dir := range append(allowed, room) {
			if _, err := os.Stat("../" + dir); err != nil {
				t.Errorf("the rule for %s: %v", room, err)
			}
		}
	}
}

func checkImports(t *testing.T, file, onDisk string) {
	parsed, err := parser.ParseFile(token.NewFileSet(), onDisk, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	room, allowed := roomOf(path.Dir(file))
	if room == "" {
		t.Errorf("%s is in no room of architecture.md", file)
		return
	}
	for _, spec := range parsed.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		ours, isOurs := strings.CutPrefix(name, "lockd/")
		if isOurs && ours != path.Dir(file) && !within(ours, allowed) {
			t.Errorf("%s imports %s, which %s may not", file, name, room)
		}
		if slices.Contains(pure, room) && slices.Contains(surprising, name) && !slices.Contains(permitted[room], name) {
			t.Errorf("%s imports %s, which what decides may not", file, name)
		}
	}
}

func roomOf(dir string) (room string, allowed []string) {
	for ; dir != "."; dir = path.Dir(dir) {
		if allowed, ok := rooms[dir]; ok {
			return dir, allowed
		}
	}
	return "", nil
}

func within(pkg string, rooms []string) bool {
	for _, room := range rooms {
		if pkg == room || strings.HasPrefix(pkg, room+"/") {
			return true
		}
	}
	return false
}
