package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// layer is a layer of the simulation that runs against a mutant.
type layer struct {
	title string // in reports
	layer string // in sim/campaign
	runs  string
	race  bool // built with the race detector, which is slow
}

// layers are all layers but the tests, the cheapest first. The first three depend on the
// seed alone, so they always catch the same mutants.
var layers = []layer{
	{"world", "world", "150", false},
	{"loop", "loop", "150", false},
	{"bubble", "bubble", "600", false},
	{"sockets", "sockets", "1500", false},
	{"race detector", "sockets", "50", true},
}

// repeatable is how many of the layers depend on the seed alone.
const repeatable = 3

// tests is the name of the last layer.
const tests = "tests"

// layerNames returns the names of all layers, in the order in which they run.
func layerNames() (names []string) {
	for _, l := range layers {
		names = append(names, l.title)
	}
	return append(names, tests)
}

func isLayer(name string) bool { return slices.Contains(layerNames(), name) }

// seed is the first seed of every layer.
const seed = "20090101"

// timeout is how long one layer may take; a mutant that exceeds it counts as caught.
const timeout = 90 * time.Second

// testTimeout is the timeout of tests, including their compilation.
const testTimeout = 4 * time.Minute

// Verdict is the result of a mutant.
type Verdict struct {
	Mutant
	Layer string // the layer that caught it; "" if none did
	How   string // how it was caught, one line
	Err   error  // the mutant could not run: it has no place, or does not compile
}

// Caught says whether some layer caught the mutant.
func (v Verdict) Caught() bool { return v.Layer != "" }

// AsExpected says whether the expected layer caught the mutant. Real sockets, the race
// detector and tests depend on how the system schedules goroutines, so each of these
// three may catch what another of them is expected to.
func (v Verdict) AsExpected() bool {
	names := layerNames()
	got, want := slices.Index(names, v.Layer), slices.Index(names, v.Expected)
	return got == want || min(got, want) >= repeatable
}

// Run runs the mutants of the module at root, several at a time, and calls report with
// each verdict in the order of the list. The unchanged server runs first, as the
// control: if it fails in a layer, no mutant runs.
func Run(ctx context.Context, root string, list []Mutant, workers int, report func(Verdict)) error {
	work, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	root, err = filepath.Abs(root)
	if err != nil {
		return err
	}
	if v := try(ctx, root, filepath.Join(work, "control"), Mutant{Name: "the unchanged server"}); v.Err != nil || v.Caught() {
		return errors.Join(fmt.Errorf("the unchanged server fails in layer %q: %s", v.Layer, v.How), v.Err)
	}
	verdicts := make([]chan Verdict, len(list))
	for i := range verdicts {
		verdicts[i] = make(chan Verdict, 1)
	}
	var wait sync.WaitGroup
	next := make(chan int)
	for range workers {
		wait.Go(func() {
			for i := range next {
				verdicts[i] <- try(ctx, root, filepath.Join(work, strconv.Itoa(i)), list[i])
			}
		})
	}
	wait.Go(func() {
		defer close(next)
		for i := range list {
			next <- i
		}
	})
	for i := range list {
		report(<-verdicts[i])
	}
	wait.Wait()
	return ctx.Err()
}

// try runs the layers against one mutant until one catches it: the layer that is expected
// to, then the others from the cheapest on, and last the tests of the server. For a mutant
// of the simulation itself only the tests of its package run.
func try(ctx context.Context, root, dir string, m Mutant) Verdict {
	v := Verdict{Mutant: m}
	if v.Err = os.MkdirAll(dir, 0o755); v.Err != nil {
		return v
	}
	defer os.RemoveAll(dir)
	var overlay []string
	if overlay, v.Err = overlayOf(root, dir, m); v.Err != nil {
		return v
	}
	its := "./" + filepath.Dir(m.File)
	if strings.HasPrefix(m.File, "sim/") {
		tryTests(ctx, root, overlay, &v, its)
		return v
	}
	if m.Expected == tests {
		tryTests(ctx, root, overlay, &v, its)
	}
	built := map[bool]string{}
	for _, layer := range layersFrom(m.Expected) {
		if v.Caught() || v.Err != nil {
			return v
		}
		if built[layer.race] == "" {
			if built[layer.race], v.Err = build(ctx, root, dir, m, overlay, layer.race); v.Err != nil {
				return v
			}
		}
		out := filepath.Join(dir, "evidence-"+layer.title)
		started := time.Now()
		text, failed := play(ctx, timeout, "", built[layer.race], layer.layer, seed, layer.runs, out)
		switch {
		case ctx.Err() != nil:
			v.Err = ctx.Err()
		case failed:
			v.Layer, v.How = layer.title, read(out, text, time.Since(started))
		}
	}
	if m.File != "" && !v.Caught() && v.Err == nil {
		tryTests(ctx, root, overlay, &v, "./lock", "./wire", "./server/...")
	}
	return v
}

// layersFrom returns all layers but the tests, the named one first.
func layersFrom(name string) []layer {
	at := slices.IndexFunc(layers, func(l layer) bool { return l.title == name })
	if at < 0 {
		return layers
	}
	return slices.Concat(layers[at:at+1], layers[:at], layers[at+1:])
}

// tryTests runs the tests of some packages against a mutant.
func tryTests(ctx context.Context, root string, overlay []string, v *Verdict, packages ...string) {
	args := append(append([]string{"test", "-count=1", "-failfast"}, overlay...), packages...)
	text, failed := play(ctx, testTimeout, root, "go", args...)
	switch {
	case ctx.Err() != nil:
		v.Err = ctx.Err()
	case strings.Contains(text, "[build failed]"):
		v.Err = fmt.Errorf("mutant %q does not compile:\n%s", v.Name, text)
	case failed:
		v.Layer, v.How = tests, failedTest(text)
	}
}

// failedTest returns the first failed test.
func failedTest(text string) string {
	for line := range strings.Lines(text) {
		if name, found := strings.CutPrefix(line, "--- FAIL: "); found {
			name, _, _ = strings.Cut(name, " ")
			return name
		}
	}
	return firstLine(text)
}

// overlayOf writes the mutated file of a mutant, and returns the arguments that
// make the go command build with it.
func overlayOf(root, dir string, m Mutant) ([]string, error) {
	if m.File == "" {
		return nil, nil
	}
	text, err := m.apply(root)
	if err != nil {
		return nil, err
	}
	mutated, overlay := filepath.Join(dir, "mutated.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, m.File): mutated}})
	if err != nil {
		return nil, err
	}
	return []string{"-overlay", overlay}, errors.Join(os.WriteFile(mutated, []byte(text), 0o644), os.WriteFile(overlay, replace, 0o644))
}

// build compiles the probe with a mutant and returns its path.
func build(ctx context.Context, root, dir string, m Mutant, overlay []string, race bool) (program string, err error) {
	program = filepath.Join(dir, "probe")
	args := []string{"build"}
	if race {
		program += "-race"
		args = append(args, "-race")
	}
	args = append(append(args, overlay...), "-ldflags=-s -w", "-o", program, "./sim/mutants/probe")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mutant %q does not compile: %w\n%s", m.Name, err, out)
	}
	return program, nil
}

// play runs one layer and says whether it failed: by a violation, a crash, or a timeout.
func play(ctx context.Context, timeout time.Duration, dir, program string, args ...string) (text string, failed bool) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	return string(output), err != nil
}

// read returns how a mutant was caught, from the evidence or else from the output.
func read(out, text string, elapsed time.Duration) string {
	found, _ := filepath.Glob(filepath.Join(out, "*", "summary.json"))
	if len(found) == 1 {
		var s struct{ Failure string }
		data, err := os.ReadFile(found[0])
		if err == nil && json.Unmarshal(data, &s) == nil {
			return firstLine(s.Failure)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") || strings.Contains(line, "DATA RACE") {
			return firstLine(line)
		}
	}
	if elapsed >= timeout {
		return fmt.Sprintf("no end within %v", timeout)
	}
	return firstLine(text[strings.LastIndex(strings.TrimSpace(text), "\n")+1:])
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}
