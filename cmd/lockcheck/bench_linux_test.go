package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockd/sim/programs"
)

// TestBench runs the real program: it measures a server, and compares those it starts.
func TestBench(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	if _, err := programs.Make(p.dir, "lockd"); err != nil {
		t.Fatal(err)
	}
	addr := serve(t)
	for _, c := range []struct {
		args  string
		code  int
		print string
	}{
		{"-addr " + addr + " -duration 50ms -warmup 0s -rounds 2 -json one.json -html one.html", exitClean, "50 connections, 1 at once, names of 15 bytes, exclusive\n"},
		{"-addr " + addr + " -duration 50ms -warmup 0s -rounds 1 -rate 1000 -mix shared:2,inspect -json -", exitClean, `"rate": 1000`},
		{"-addr " + addr + " -duration 50ms -warmup 0s -rounds 1 -connections 1,3 -depth 2 -rate 0,2000 -held 1000", exitClean, "3 connections, 2 at once, names of 15 bytes, exclusive, 1000 locks held, 2 k commands/s due\n"},
		{"-compare -lockd ./lockd -connections 2 -depth 4 -name-bytes 15 -rounds 1 -duration 50ms -memory=false -json two.json -html two.html", exitClean, "\n  echo "},
		{"-compare -lockd /nowhere", exitBroken, "cannot find lockd"},
		{"-compare -lockd /bin/false", exitBroken, "/bin/false does not accept connections: it has ended"},
		{"-addr 127.0.0.1:1", exitBroken, "cannot reach lockd"},
		{"-protocol etcd", exitUsage, `there is no protocol "etcd"`},
		{"-mix all", exitUsage, `"all" in the mix "all": want exclusive`},
		{"-depth 0", exitUsage, "depth: want 1 to 1000, got 0"},
		{"-connections 1,,2", exitUsage, `want a number, or several with commas between, got ""`},
		{"-rate 5,x", exitUsage, `want a number, or several with commas between, got "x"`},
		{"-connections 5,20001", exitUsage, "connections: want 1 to 20000, got 20001"},
		{"-held -1", exitUsage, "-held: want 0 to 20000000 locks, got -1"},
		{"-held 5 -protocol redis", exitUsage, "-held is for -protocol lockd"},
		{"-held 5 -compare", exitUsage, "-held is not for -compare"},
		{"-rounds 0", exitUsage, "-rounds go from 1 to 1000"},
		{"-quick", exitUsage, "-quick is for -compare"},
		{"-compare -rate 5", exitUsage, "-rate is not for -compare"},
		{"-compare -quick -thorough", exitUsage, "-quick or -thorough"},
		{"-compare -connections 0", exitUsage, "connections: want 1 to 20000, got 0"},
		{"-html -", exitUsage, "-html needs the name of a file"},
		{"-json x -html x", exitUsage, "-json and -html are the same file"},
		{"-addr 127.0.0.1:1 -json one.json", exitBroken, "cannot reach lockd"},
		{"x", exitUsage, `bench takes no arguments, got ["x"]`},
	} {
		_, wait := p.start(t, strings.Fields("bench "+c.args)...)
		if code, out := wait(); code != c.code || !strings.Contains(out, c.print) {
			t.Errorf("bench %s: exit code %d, want %d and %q:\n%s", c.args, code, c.code, c.print, out)
		}
	}
	var r struct {
		Cells []struct {
			Rounds map[string][]struct {
				Rate      float64 `json:"per_second"`
				Processor float64 `json:"processor_ns"`
			}
		}
	}
	if kept, err := os.ReadFile(filepath.Join(p.dir, "one.json")); err != nil || !strings.Contains(string(kept), "per_second") {
		t.Errorf("a measurement that fails leaves earlier results as %.100q, %v", kept, err)
	}
	data, err := os.ReadFile(filepath.Join(p.dir, "two.json"))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []string{"lockd", "echo"} {
		if rounds := r.Cells[0].Rounds[server]; len(rounds) != 1 || rounds[0].Rate <= 0 || rounds[0].Processor <= 0 {
			t.Errorf("%s was measured as %+v", server, rounds)
		}
	}
	if html, err := os.ReadFile(filepath.Join(p.dir, "two.html")); err != nil || !strings.Contains(string(html), "<polyline ") {
		t.Errorf("the page: %v\n%.200s", err, html)
	}
}
