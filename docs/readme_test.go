package docs

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lockd/sim/programs"
)

const patience = 60 * time.Second

// block is a fenced block of a text.
type block struct{ language, text string }

// fenced returns the fenced blocks of a text.
func fenced(t *testing.T, file string) (blocks []block) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(text)) {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !inside:
			blocks = append(blocks, block{language: strings.TrimSpace(language)})
			inside = true
		case fence:
			inside = false
		case inside:
			blocks[len(blocks)-1].text += line
		}
	}
	return blocks
}

// codeBlocks returns the blocks of a text that have no language.
func codeBlocks(t *testing.T, file string) (texts []string) {
	t.Helper()
	for _, b := range fenced(t, file) {
		if b.language == "" {
			texts = append(texts, b.text)
		}
	}
	return texts
}

// readme returns the blocks of code of the README.
func readme(t *testing.T) []string {
	t.Helper()
	blocks := codeBlocks(t, "../README.md")
	if len(blocks) != 6 {
		t.Fatalf("the README has %d blocks of code, not 6", len(blocks))
	}
	return blocks
}

// build builds a command, and returns the path of the binary.
func build(t *testing.T, target string) string {
	t.Helper()
	binary, err := programs.Make(t.TempDir(), path.Base(target))
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// startDaemon builds what the README's first command runs and starts it on a
// free port, which it returns.
func startDaemon(t *testing.T, command string) string {
	t.Helper()
	target, found := strings.CutPrefix(strings.TrimSpace(command), "go run ")
	if !found {
		t.Fatalf("the first command is %q", command)
	}
	return runDaemon(t, build(t, target))
}

// runDaemon runs a daemon on a free port, which it returns.
func runDaemon(t *testing.T, binary string, flags ...string) string {
	t.Helper()
	daemon := exec.Command(binary, append(flags, "-port", "-1", "-ws", "0")...)
	stderr, err := daemon.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		daemon.Process.Signal(os.Interrupt)
		if err := daemon.Wait(); err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	})
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`tcp=(\S+)`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("the daemon logged %q", line)
	}
	go io.Copy(io.Discard, stderr)
	return m[1]
}

// TestReadmeSession replays the session of the README as netcat would.
func TestReadmeSession(t *testing.T) {
	t.Parallel()
	blocks := readme(t)
	if strings.TrimSpace(blocks[1]) != "go test ./..." {
		t.Errorf("the second command is %q", blocks[1])
	}
	addr := startDaemon(t, blocks[0])

	first := dial(t, addr)
	defer first.Close()
	lines := strings.Split(strings.TrimSpace(blocks[2]), "\n")
	if lines[0] != "$ nc 127.0.0.1 9999" || len(lines)%2 == 0 {
		t.Fatalf("the first session is %q", lines)
	}
	replies := bufio.NewReader(first)
	for i := 1; i < len(lines); i += 2 {
		io.WriteString(first, lines[i]+"\n")
		if got, err := replies.ReadString('\n'); err != nil || got != lines[i+1]+"\n" {
			t.Errorf("%q is answered %q, %v; the README says %q", lines[i], got, err, lines[i+1])
		}
	}
	oneShot(t, addr, blocks[3])
	// What Ctrl-C does; the end of the stream says that the locks are free.
	if err := first.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(replies); err != nil || len(rest) > 0 {
		t.Errorf("the first session ended with %q, %v", rest, err)
	}
	oneShot(t, addr, blocks[4])
	first.Close()
	lockctlSession(t, addr, blocks[5])
}

// lockctlSession runs the commands of a block that are behind a dollar, and compares their
// output.
func lockctlSession(t *testing.T, addr, block string) {
	t.Helper()
	build, rest, _ := strings.Cut(block, "\n")
	if build != "$ go build ./cmd/lockctl" {
		t.Fatalf("the block begins with %q", build)
	}
	dir := lockctl(t)
	command, want, _ := strings.Cut(rest, "\n")
	run := exec.Command("sh", "-c", strings.TrimPrefix(command, "$ "))
	run.Dir, run.Env = dir, append(os.Environ(), "LOCKD_ADDR="+addr)
	if out, err := run.CombinedOutput(); err != nil || string(out) != want {
		t.Errorf("%s\nprints\n%s%v\nthe README says\n%s", command, out, err, want)
	}
}

// oneShot runs a block of one command, `printf '...' | nc -N ...`, and compares
// its output.
func oneShot(t *testing.T, addr, block string) {
	t.Helper()
	command, want, _ := strings.Cut(block, "\n")
	m := regexp.MustCompile(`^\$ printf '(.*)' \| nc -N 127\.0\.0\.1 9999$`).FindStringSubmatch(command)
	if m == nil {
		t.Fatalf("cannot replay %q", command)
	}
	c := dial(t, addr)
	defer c.Close()
	io.WriteString(c, strings.ReplaceAll(m[1], `\n`, "\n"))
	c.CloseWrite()
	var got bytes.Buffer
	if _, err := io.Copy(&got, c); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("%s\nprints\n%s\nthe README says\n%s", command, got.String(), want)
	}
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// TestLinks checks that the files that the texts link to exist.
func TestLinks(t *testing.T) {
	texts, err := filepath.Glob("*.md")
	if err != nil || len(texts) < 3 {
		t.Fatalf("found %d texts: %v", len(texts), err)
	}
	for _, file := range append(texts, "../README.md", "../CONTRIBUTING.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), string(m[1]))); errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s links to %s, which is not there", file, m[1])
			}
		}
	}
}
