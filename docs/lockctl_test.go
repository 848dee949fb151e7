package docs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lockctl builds lockctl, and returns the folder that it is in.
func lockctl(t *testing.T) string { return filepath.Dir(build(t, "./cmd/lockctl")) }

// shop is a folder with the scripts that the recipes run. Each writes its name and its
// arguments to a log, and takes some milliseconds.
type shop struct {
	t    *testing.T
	dir  string
	env  []string
	addr string
}

func newShop(t *testing.T) *shop {
	addr := runDaemon(t, build(t, "./cmd/lockd"))
	s := &shop{t: t, dir: t.TempDir(), addr: addr}
	s.env = append(os.Environ(), "PATH="+lockctl(t)+":"+os.Getenv("PATH"), "LOCKD_ADDR="+addr, "USER=me", "HOSTNAME=here", "CI_JOB=17")
	for _, name := range []string{"report", "deploy", "fetch", "read", "write", "scheduler", "staging-test"} {
		script := "#!/bin/sh\nlockctl holders >>held\nsleep 0.02\necho $(basename $0) $* >>log\n"
		if err := os.WriteFile(filepath.Join(s.dir, name+".sh"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// start starts a command of the shell, with the address of the texts replaced.
func (s *shop) start(command string) *exec.Cmd {
	s.t.Helper()
	c := exec.Command("sh", "-c", strings.ReplaceAll(command, "locks.example:9999", s.addr))
	c.Dir, c.Env, c.Stdout, c.Stderr = s.dir, s.env, new(bytes.Buffer), new(bytes.Buffer)
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// run runs a command, and returns what it and its scripts have written.
func (s *shop) run(command string) string {
	s.t.Helper()
	c := s.start(command)
	err := c.Wait()
	var exit *exec.ExitError
	if c.Stderr.(*bytes.Buffer).Len() > 0 || err != nil && !errors.As(err, &exit) {
		s.t.Errorf("%s\nprints\n%s%v", command, c.Stderr, err)
	}
	return c.Stdout.(*bytes.Buffer).String() + s.take("log")
}

// take returns the contents of a file, and empties it.
func (s *shop) take(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name))
	os.Remove(filepath.Join(s.dir, name))
	return string(text)
}

// once runs a command as many machines do, and checks that it ran once.
func (s *shop) once(command string) {
	s.t.Helper()
	var machines []*exec.Cmd
	for range 20 {
		machines = append(machines, s.start("exec "+command))
	}
	codes := make(chan int, len(machines))
	var wait sync.WaitGroup
	for _, m := range machines {
		wait.Go(func() {
			m.Wait()
			codes <- m.ProcessState.ExitCode()
		})
	}
	for range len(machines) - 1 {
		if code := <-codes; code != 75 {
			s.t.Errorf("%s: exit code %d, want 75 of all but one", command, code)
		}
	}
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) { // the last one holds on
		if text, _ := os.ReadFile(filepath.Join(s.dir, "log")); len(text) > 0 || time.Since(began) > patience {
			break
		}
	}
	for _, m := range machines {
		m.Process.Signal(syscall.SIGTERM)
	}
	wait.Wait()
	if log := s.take("log"); log != "report.sh\n" {
		s.t.Errorf("%s: the log is %q", command, log)
	}
}

// TestRecipes runs the recipes of lockctl.md.
func TestRecipes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	wants := map[string]string{ // what the shell's blocks write, by the words in them
		"done.today":   `^report.sh\n$`,
		"deploys":      `^deploy.sh\n$`,
		"holders dep":  `^$`,
		"-shared 3":    `^(fetch.sh [1-6]\n){6}$`,
		"-s cache":     `^read.sh\nwrite.sh\n$`,
		"scheduler":    `^scheduler.sh\n$`,
		"if lockctl":   `^$`,
		"mkfifo input": `^deploy.sh\n$`,
		"-max-age":     `^LOCKD OK - .* nobody holds nightly-report.*\nLOCKD CRITICAL - nobody holds scheduler.*\nLOCKD OK .*\nLOCKD OK .*\n$`,
	}
	for _, b := range fenced(t, "lockctl.md") {
		switch b.language {
		case "crontab":
			fields := strings.SplitN(strings.TrimSpace(b.text), " ", 6)
			s.once("env " + fields[5])
		case "sh":
			if strings.HasPrefix(b.text, "#!") {
				continue // see TestMonitoringRecipes
			}
			for words, want := range wants {
				if !strings.Contains(b.text, words) {
					continue
				}
				delete(wants, words)
				if got := s.run(b.text); !regexp.MustCompile(want).MatchString(got) {
					t.Errorf("%s\nwrites %q, want %s", b.text, got, want)
				}
			}
		case "makefile":
			if _, err := exec.LookPath("make"); err != nil {
				t.Log("skipped: the recipe for make, as there is none")
				continue
			}
			if err := os.WriteFile(filepath.Join(s.dir, "Makefile"), []byte(b.text), 0o644); err != nil {
				t.Fatal(err)
			}
			if got := s.run("make -s deploy"); got != "deploy.sh\n" {
				t.Errorf("make writes %q", got)
			}
		case "ini":
			_, command, _ := strings.Cut(b.text, "ExecStart=")
			command, _, _ = strings.Cut(command, "\n")
			s.once(command)
		case "yaml":
			_, command, _ := strings.Cut(b.text, "run: ")
			if got := s.run(command); got != "staging-test.sh\n" {
				t.Errorf("the job writes %q", got)
			}
		default:
			t.Errorf("a block of %q is not tested", b.language)
		}
	}
	for words := range wants {
		t.Errorf("lockctl.md has no block with %q", words)
	}
	held := s.take("held")
	for _, want := range []string{"nightly-report", "deploy +exclusive .* me deploys", "fetch +shared", "scheduler .* here", "staging .* 17"} {
		if !regexp.MustCompile(want).MatchString(held) {
			t.Errorf("nobody held %s while a script ran:\n%s", want, held)
		}
	}
}

// TestMonitoringRecipes runs the scripts of lockctl.md for Nagios and munin.
func TestMonitoringRecipes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	host, port, _ := strings.Cut(s.addr, ":")
	scripts := 0
	for _, b := range fenced(t, "lockctl.md") {
		if !strings.HasPrefix(b.text, "#!") {
			continue
		}
		scripts++
		text := strings.ReplaceAll(b.text, "127.0.0.1 9999", host+" "+port)
		if err := os.WriteFile(filepath.Join(s.dir, "lockd_locks"), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		wants := map[string]string{ // arguments to output
			"config": `^graph_title lockd: [Ll]ocks\n(?s:.*)graph_category lockd\n(?s:.*)label exclusive\n`,
			"":       `^(exclusive|locks).value 1\nshared(_locks)?.value 1\n$`,
		}
		switch {
		case strings.Contains(text, "LOCKD"):
			wants = map[string]string{
				"":     `^LOCKD OK - 1 locks \| locks=1;1000\n0\n$`,
				"0":    `^LOCKD WARNING - 1 locks \| locks=1;0\n1\n$`,
				"gone": `^LOCKD CRITICAL - the server does not answer\n2\n$`,
			}
		case strings.Contains(text, "lockctl"):
			wants["autoconf"], wants["suggest"] = `^yes\n$`, `^locks\nconnections\n`
		}
		if _, err := exec.LookPath("nc"); err != nil && strings.Contains(text, "nc -N") {
			t.Log("skipped: a script with netcat, as there is none: apt-get install netcat-openbsd")
			continue
		}
		for args, want := range wants {
			command := "lockctl run -name me held -- ./lockd_locks " + args
			if strings.Contains(text, "LOCKD") {
				command += "; echo $?"
			}
			if args == "gone" { // nobody listens there
				command = "sed 's/" + port + "/1/' lockd_locks >gone; sh ./gone 2>/dev/null; echo $?"
			}
			if got := s.run(command); !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("%s\n%s\nprints %q, want %s", text, args, got, want)
			}
		}
	}
	if scripts != 3 {
		t.Errorf("lockctl.md has %d scripts", scripts)
	}
}

// TestProgram builds and runs the program of client.md, in a workspace and with a
// replacement, and the snippet of the README.
func TestProgram(t *testing.T) {
	t.Parallel()
	addr := runDaemon(t, build(t, "./cmd/lockd"))
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	var program, snippet string
	var commands []string
	for _, b := range fenced(t, "client.md") {
		switch b.language {
		case "go":
			program = b.text
		case "":
			commands = append(commands, b.text)
		}
	}
	for _, b := range fenced(t, "../README.md") {
		if b.language == "go" {
			snippet = "package main\n\nimport (\n\"context\"\n\"fmt\"\n\"lockd/client\"\n)\n\nfunc work(context.Context) error { fmt.Println(\"only one at a time\"); return nil }\n\n" +
				"func main() {\nctx := context.Background()\n" + b.text + "if err != nil { panic(err) }\n}\n"
		}
	}
	if len(commands) != 3 || program == "" || snippet == "" {
		t.Fatalf("client.md has %d blocks of commands", len(commands))
	}
	for name, c := range map[string]struct{ program, commands string }{
		"workspace": {program, commands[0]}, "replacement": {program, commands[1]}, "README": {snippet, commands[0]},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			source := strings.ReplaceAll(c.program, "127.0.0.1:9999", addr)
			script := "go mod init program\n" + strings.ReplaceAll(strings.ReplaceAll(c.commands, "$ ", ""), "../lockd", root) + "go run .\n"
			if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644); err != nil {
				t.Fatal(err)
			}
			if out := goShell(t, dir, script); !strings.HasSuffix(out, "only one at a time\n") {
				t.Errorf("%s\nprints\n%s", script, out)
			}
		})
	}
	t.Run("rename", func(t *testing.T) {
		dir := t.TempDir()
		for _, file := range files(t) {
			info, err := os.Stat(filepath.Join(root, file))
			if err != nil || info.IsDir() || !strings.HasSuffix(file, ".go") && !strings.HasPrefix(file, "go.") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, file))
			if err == nil {
				err = os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, file), text, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		out := goShell(t, dir, strings.TrimPrefix(commands[2], "$ ")+"go build -o lockctl ./cmd/lockctl && go list ./client\n")
		if !strings.HasSuffix(out, "\nexample.org/lockd/client\n") {
			t.Errorf("it prints\n%s", out)
		}
		for _, file := range goFiles(t) {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil || bytes.Contains(text, []byte("\t\"lockd/")) {
				t.Errorf("%s still imports lockd: %v", file, err)
			}
		}
	})
}

// goShell runs commands that need nothing from the network, and returns their output.
func goShell(t *testing.T, dir, script string) string {
	t.Helper()
	c := exec.Command("sh", "-ec", script)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOSUMDB=off", "GOWORK=")
	if strings.Contains(script, "go work") {
		c.Env = append(c.Env, "GOFLAGS=")
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%s\nfails: %v", script, fmt.Errorf("%w\n%s", err, out))
	}
	return string(out)
}
