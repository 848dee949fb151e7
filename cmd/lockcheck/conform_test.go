package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// listen serves a handler on a free port and returns its address.
func listen(t *testing.T, serve func(net.Listener)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go serve(l)
	return l.Addr().String()
}

// yes serves replies that answer every line with yes.
func yes(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer nc.Close()
			for lines := bufio.NewScanner(nc); lines.Scan(); {
				fmt.Fprintln(nc, "1 yes")
			}
		}()
	}
}

func TestConformExitCodes(t *testing.T) {
	silence(t)
	const good = "GOOD" // stands for the address of a server of its own
	bad := listen(t, yes)
	for _, c := range []struct {
		args string
		want int
	}{
		{"-quiet -run get-* -addr " + good, exitClean},
		{"-quiet -level core -run get-free,release-words -addr " + good, exitUsage},
		{"-list", exitClean},
		{"-h", exitClean},
		{"-quiet -run get-* -timeout 300ms -addr " + bad, exitViolation},
		{"-quiet -run name-is-echoed-* -dialect classic -addr " + good, exitViolation}, // nothing was tested
		{"", exitUsage},
		{"-addr " + good + " get-free", exitUsage},
		{"-addr " + good + " -run no-such-case", exitUsage},
		{"-addr " + good + " -level high", exitUsage},
		{"-addr " + good + " -dialect welsh", exitUsage},
		{"-addr " + good + " -timeout 0", exitUsage},
		{"-addr " + good + " -nonsense", exitUsage},
		{good, exitUsage},
		{"-addr 127.0.0.1:1", exitBroken},
		{"-unix /no/such/socket", exitBroken},
		{"-quiet -run get-free -html /no/such/folder/x -addr " + good, exitBroken},
		{"-start false -addr 127.0.0.1:1", exitBroken},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(c.args, good) {
				c.args = strings.ReplaceAll(c.args, good, serve(t))
			}
			if got := run(append([]string{"conform"}, strings.Fields(c.args)...)); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
}

// TestConformWritesReports checks that the files exist; package report tests their
// contents.
func TestConformWritesReports(t *testing.T) {
	silence(t)
	bad := listen(t, yes)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	got := run([]string{"conform", "-addr", bad, "-run", "release-by-another,release-unheld",
		"-json", file("r.json"), "-junit", file("r.xml"), "-html", file("r.html")})
	if got != exitViolation {
		t.Fatalf("exit code %d", got)
	}
	for _, name := range []string{"r.json", "r.xml", "r.html"} {
		text, err := os.ReadFile(file(name))
		if err != nil || !strings.Contains(string(text), "release-by-another") {
			t.Errorf("%s: %v, %.200s", name, err, text)
		}
		if name == "r.json" && !json.Valid(text) {
			t.Error("r.json is not valid")
		}
	}
}

// silence discards the output of commands until the end of the test, which must not be
// parallel; its subtests may be.
func silence(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, errs := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = null, null
	t.Cleanup(func() {
		os.Stdout, os.Stderr = out, errs
		null.Close()
	})
}
