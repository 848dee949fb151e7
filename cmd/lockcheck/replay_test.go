package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lockd/sim/campaign"
	"lockd/sim/history"
)

// paste runs the command that follows a word in a text, as a shell would.
func (p program) paste(t *testing.T, text, word string) (int, string) {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + word + `: +(.*?)(, or a trace or history in it)?$`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %q in:\n%s", word, text)
	}
	cmd := exec.Command("sh", "-c", found[1])
	cmd.Dir, cmd.Env = p.dir, asProgram()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// testReplayCanary checks that the commands printed with a violation work when they are
// pasted, and that all files of the evidence can be replayed.
func testReplayCanary(t *testing.T, p program) {
	t.Parallel()
	p.dir = t.TempDir()
	_, wait := p.start(t, strings.Fields("sim -layer canary -runs 50 -seed 5 -out out")...)
	code, text := wait()
	if code != exitViolation {
		t.Fatalf("exit code %d:\n%s", code, text)
	}
	code, again := p.paste(t, text, "replay")
	line := regexp.MustCompile("violation: .*").FindString(text)
	if code != exitViolation || !strings.Contains(again, line) {
		t.Errorf("pasted: exit code %d, want %q in:\n%s", code, line, again)
	}
	if code, again = p.paste(t, text, "or"); code != exitViolation || !strings.Contains(again, line) {
		t.Errorf("the folder: exit code %d, want %q in:\n%s", code, line, again)
	}
	dirs, err := filepath.Glob(filepath.Join(p.dir, "out", "canary-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("the evidence is in %q, %v", dirs, err)
	}
	for file, want := range map[string]int{
		"trace.txt": exitViolation, "shrunk.txt": exitViolation, "summary.json": exitViolation,
		"summary.txt": exitUsage, "options.json": exitUsage, "none.txt": exitUsage,
	} {
		_, wait := p.start(t, "replay", filepath.Join(dirs[0], file))
		if code, text := wait(); code != want {
			t.Errorf("%s: exit code %d, want %d:\n%s", file, code, want, text)
		}
	}
}

// testReplayCommands checks, on a correct server, that the replay command of every layer
// plays the same layer with the same flags.
func testReplayCommands(t *testing.T, p program) {
	t.Parallel()
	p, addr := p.apart(t), serve(t)
	for _, c := range []struct {
		name  string
		given campaign.Params
		want  string
	}{
		{"world", campaign.Params{}, "world: 1 runs"},
		{"loop", campaign.Params{}, "loop: 1 runs"},
		{"bubble", campaign.Params{}, "bubble: 1 runs"},
		{"sockets", campaign.Params{}, "sockets: 1 runs"},
		{"sockets", campaign.Params{Clients: 3, Names: 2}, "sockets: 1 runs"},
		{"soak", campaign.Params{Addr: addr, Clients: 3, Names: 2}, "soak: 1 runs"},
		{"soak", campaign.Params{Addr: addr}, "soak: 1 runs"},
	} {
		layer, err := campaign.Named(c.name, c.given)
		if err != nil {
			t.Fatal(err)
		}
		failure := &campaign.Failure{Seed: 11}
		report := campaign.Report{Layer: layer.Name, Given: layer.Given, Program: p.path, Failure: failure}
		code, text := p.paste(t, "replay: "+report.Replay(), "replay")
		if code != exitClean || !strings.Contains(text, c.want) || !strings.Contains(text, "seed 11\n") {
			t.Errorf("%s: exit code %d, want %q in:\n%s", report.Replay(), code, c.want, text)
		}
	}
}

func TestReplayHistories(t *testing.T) {
	silence(t)
	dir := t.TempDir()
	saved := func(name string) string {
		h, err := history.Read("../../sim/history/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if err := h.Write(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, bad := saved("linearizable/virtual-time-12.json"), saved("violations/socket-closed-before-release.json")
	trace := "../../sim/world/testdata/traces/registry.txt"
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{good}, exitClean},
		{[]string{trace}, exitClean},
		{[]string{bad}, exitViolation},
		{[]string{good, bad, trace}, exitViolation},
		{[]string{"-picture", filepath.Join(dir, "other.html"), bad}, exitViolation},
		{[]string{"-picture", filepath.Join(dir, "no", "such", "folder"), bad}, exitBroken},
		{[]string{"-picture", filepath.Join(dir, "other.html"), bad, good}, exitUsage},
		{[]string{bad, write("empty", "")}, exitUsage},
		{[]string{write("prose", "It fails sometimes.\n")}, exitUsage},
		{[]string{write("torn", `{"ops": [`)}, exitUsage},
		{[]string{write("other", `{"Seed": 4}`)}, exitUsage},
		{[]string{write("layer", `{"layer": "cellar", "seed": 4}`)}, exitUsage},
		{[]string{write("times", `{"ops": [{"conn": 0, "command": "end", "call": 4, "return": 3}]}`)}, exitUsage},
		{[]string{dir}, exitUsage},
		{nil, exitUsage},
	} {
		if got := run(append([]string{"replay"}, c.args...)); got != c.want {
			t.Errorf("%q: exit code %d, want %d", c.args, got, c.want)
		}
	}
	for _, name := range []string{"picture.html", "other.html"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() < 1000 {
			t.Errorf("%s is missing or empty: %v", name, err)
		}
	}
}

// TestReplayUnfinished checks that an unfinished history is checked as far as it goes.
func TestReplayUnfinished(t *testing.T) {
	silence(t)
	path := filepath.Join(t.TempDir(), "unfinished-1.json")
	for answer, want := range map[int]int{0: exitClean, 1: exitViolation} {
		h := &history.History{Ops: []history.Operation{
			{Command: history.Get, Name: "x", Call: 1, Return: 2, Answered: true, Value: 1},
			{Conn: 1, Command: history.Get, Name: "x", Call: 3, Return: 4, Answered: true, Value: answer},
			{Seq: 1, Command: history.Inspect, Name: "x", Call: 5, Return: 6, Answered: true, Value: 1},
			{Conn: 1, Seq: 1, Command: history.Release, Name: "x", Call: 7, Return: 8},
		}}
		if err := h.Write(path); err != nil {
			t.Fatal(err)
		}
		if got := run([]string{"replay", path}); got != want {
			t.Errorf("the second get is answered %d: exit code %d, want %d", answer, got, want)
		}
	}
}
