package deploy

import (
	"bufio"
	"debug/elf"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long something may take that must happen.
const patience = 60 * time.Second

// instruction is an instruction of a Dockerfile, such as USER and what follows it.
type instruction struct{ word, rest string }

// dockerfile reads the Dockerfile, in stages, each of which begins with FROM.
func dockerfile(t *testing.T) (stages [][]instruction) {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	whole := regexp.MustCompile(`\\\n\s*`).ReplaceAllString(string(text), "")
	for line := range strings.Lines(whole) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if word == "FROM" {
			stages = append(stages, nil)
		}
		if len(stages) == 0 {
			t.Fatalf("%s is before FROM", line)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], instruction{word, strings.TrimSpace(rest)})
	}
	return stages
}

// all returns what follows each instruction with that word.
func all(stage []instruction, word string) (rests []string) {
	for _, i := range stage {
		if i.word == word {
			rests = append(rests, i.rest)
		}
	}
	return rests
}

// one returns what follows the only instruction with that word.
func one(t *testing.T, stage []instruction, word string) string {
	t.Helper()
	rests := all(stage, word)
	if len(rests) != 1 {
		t.Fatalf("there are %d instructions %s, want one", len(rests), word)
	}
	return rests[0]
}

// command reads the exec form of a command: there is no shell in the image.
func command(t *testing.T, text string) (args []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &args); err != nil || len(args) == 0 {
		t.Fatalf("%s needs a shell: %v", text, err)
	}
	return args
}

// TestDockerfile checks the image, and runs what is in it as root's chroot would.
func TestDockerfile(t *testing.T) {
	stages := dockerfile(t)
	if len(stages) != 2 {
		t.Fatalf("the Dockerfile has %d stages", len(stages))
	}
	build, image := stages[0], stages[1]
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	if from := one(t, build, "FROM"); from != "golang:"+string(version[1])+" AS build" {
		t.Errorf("it is built from %s, and go.mod has Go %s", from, version[1])
	}
	if from := one(t, image, "FROM"); from != "scratch" {
		t.Errorf("the image is from %s", from)
	}
	if user := one(t, image, "USER"); user != "65532:65532" {
		t.Errorf("it runs as %s", user)
	}
	if ports := one(t, image, "EXPOSE"); ports != sampled(t, "port")+" "+sampled(t, "ws") {
		t.Errorf("its ports are %s", ports)
	}
	entry := command(t, one(t, image, "ENTRYPOINT"))
	_, text, _ := strings.Cut(one(t, image, "HEALTHCHECK"), "CMD ")
	health := command(t, text)

	root := t.TempDir()
	runs := all(build, "RUN")
	compile := strings.ReplaceAll(runs[len(runs)-1], "/out/", root+"/")
	c := exec.Command("sh", "-ec", compile)
	c.Dir = ".."
	c.Env = append(os.Environ(), "VERSION=1.2.3-test")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", compile, err, out)
	}
	copied := strings.Fields(one(t, image, "COPY"))
	if !slices.Equal(copied, []string{"--from=build", "/out/lockd", "/out/lockctl", "/"}) {
		t.Errorf("copied are %q", copied)
	}
	for _, name := range []string{"lockd", "lockctl"} {
		f, err := elf.Open(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s is not static", name)
			}
		}
		f.Close()
	}

	if os.Getuid() != 0 {
		t.Skip("only root may chroot")
	}
	if err := os.Chmod(root, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(root, 0o755)
	// inside returns a command of the image.
	inside := func(args []string, environment ...string) *exec.Cmd {
		return &exec.Cmd{
			Path: args[0], Args: args, Dir: "/", Env: append(all(image, "ENV"), environment...),
			SysProcAttr: &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}},
		}
	}
	if out, err := inside(append(entry, "-check")).CombinedOutput(); err != nil {
		t.Errorf("its environment is wrong: %v\n%s", err, out)
	}
	if out, err := inside(append(entry, "-version")).Output(); err != nil || !strings.HasPrefix(string(out), "lockd 1.2.3-test ") {
		t.Errorf("its version is %q, %v", out, err)
	}
	daemon := inside(append(entry, "-host", "127.0.0.1", "-port", "-1", "-ws", "0"))
	stderr, err := daemon.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(patience, func() { daemon.Process.Kill() })
	defer kill.Stop()
	defer daemon.Process.Kill()
	line, err := bufio.NewReader(stderr).ReadString('\n')
	m := regexp.MustCompile(`tcp=(\S+)`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("it logged %q, %v", line, err)
	}
	go io.Copy(io.Discard, stderr)
	if out, err := inside(health, "LOCKD_ADDR="+m[1]).CombinedOutput(); err != nil {
		t.Errorf("it is not healthy: %v\n%s", err, out)
	}
	daemon.Process.Signal(syscall.SIGTERM)
	if err := daemon.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if out, err := inside(health, "LOCKD_ADDR="+m[1]).CombinedOutput(); err == nil {
		t.Errorf("it is healthy after its end: %s", out)
	}
}
