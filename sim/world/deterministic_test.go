package world

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/hashes.txt, after a change of the generator")

const hashes = "testdata/hashes.txt"

// traceHashes plays some seeds and returns the hashes of their traces.
func traceHashes(t *testing.T) string {
	var b strings.Builder
	for _, seed := range []uint64{1, 2, 3, 20, 77, 1 << 40, 1<<64 - 1} {
		result, err := Run(Draw(seed))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%d %x\n", seed, result.Hash)
		if result, err = Run(DrawLoop(seed)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "loop %d %x\n", seed, result.Hash)
	}
	return b.String()
}

// The same seed gives the same trace: twice in this process, in processes with other
// numbers of processors, and, since the hashes are kept in a file, on other machines
// and under the race detector.
func TestSameSeedSameTrace(t *testing.T) {
	t.Parallel()
	got := traceHashes(t)
	if os.Getenv("WORLD_HASHES") != "" {
		fmt.Printf("hashes:\n%s:hashes\n", got)
		return
	}
	if *update {
		if err := os.WriteFile(hashes, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(hashes)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != got {
		t.Errorf("the traces differ from those in %s; if the generator has changed, run go test ./sim/world -update\n%s", hashes, got)
	}
	if again := traceHashes(t); again != got {
		t.Errorf("a second time in this process:\n%s\nthe first time:\n%s", again, got)
	}
	for _, processors := range []string{"1", "7"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSameSeedSameTrace$")
		cmd.Env = append(os.Environ(), "WORLD_HASHES=1", "GOMAXPROCS="+processors)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		_, text, _ := strings.Cut(string(out), "hashes:\n")
		text, _, _ = strings.Cut(text, ":hashes")
		if text != got {
			t.Errorf("in a process with GOMAXPROCS=%s:\n%s\nhere:\n%s", processors, text, got)
		}
	}
}
