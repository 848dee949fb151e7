package campaign

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lockd/sim/world"
)

// The layer canary fails, and writes evidence that can be played again.
func TestCanary(t *testing.T) {
	out := filepath.Join(t.TempDir(), "evidence")
	if err := CheckWritable(out); err != nil {
		t.Fatal(err)
	}
	report, err := Run(context.Background(), Canary(), Config{Seed: 7, Runs: 100, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if report.Failure == nil {
		t.Fatal("the layer canary passed: a wrong oracle was not noticed")
	}
	dir, notes, err := WriteEvidence(out, report)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"summary.txt", "summary.json", "options.json", "trace.txt", "shrunk.txt"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s is missing or empty: %v", name, err)
		}
	}
	if !strings.HasPrefix(notes[0], "shrunk from ") {
		t.Errorf("the notes do not mention the shrunk trace: %q", notes)
	}
	text, err := os.ReadFile(filepath.Join(dir, "shrunk.txt"))
	if err != nil {
		t.Fatal(err)
	}
	o, events, err := world.ParseEvidence(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if world.Commands(events) > 10 {
		t.Errorf("shrunk to %d commands, want ten at most", world.Commands(events))
	}
	if world.Replay(o, events) == nil {
		t.Error("the evidence does not fail when played again")
	}
	again, err := Run(context.Background(), Canary(), Config{Seed: report.Failure.Seed, Runs: 1, Workers: 1})
	if err != nil || again.Failure == nil || again.Failure.Error() != report.Failure.Error() {
		t.Errorf("the seed played again gives %v, %v", again.Failure, err)
	}
}

// A small campaign of the layer world hits every kind of perturbation except the most
// expensive.
func TestWorldCoverage(t *testing.T) {
	layer := World()
	report, err := Run(context.Background(), layer, Config{Seed: 1000, Runs: 100, Workers: 2})
	if err != nil || report.Failure != nil {
		t.Fatal(err, report.Failure)
	}
	rare := world.HundredThousandLocks.String()
	for _, missing := range report.Missing {
		if missing != rare {
			t.Errorf("%q never happened in %d runs", missing, report.Work.Runs)
		}
	}
	if report.Work.Histories == 0 {
		t.Error("no run was recorded for porcupine")
	}
}

// A small campaign of the layer loop hits every kind of perturbation.
func TestLoopCoverage(t *testing.T) {
	report, err := Run(context.Background(), Loop(), Config{Seed: 1000, Runs: 100, Workers: 2})
	if err != nil || report.Failure != nil {
		t.Fatal(err, report.Failure)
	}
	if len(report.Missing) > 0 {
		t.Errorf("never happened in %d runs: %q", report.Work.Runs, report.Missing)
	}
	if report.Work.Histories == 0 {
		t.Error("no run was recorded for porcupine")
	}
}

// A small campaign of the layer sockets hits every kind of perturbation.
func TestSocketCoverage(t *testing.T) {
	report, err := Run(context.Background(), Sockets(0, 0), Config{Seed: 1, Runs: 160, Workers: 2})
	if err != nil || report.Failure != nil {
		t.Fatal(err, report.Failure)
	}
	if len(report.Missing) > 0 {
		t.Errorf("never happened in %d runs: %q", report.Work.Runs, report.Missing)
	}
	if report.Work.Whole < report.Work.Histories/3 {
		t.Errorf("%d histories were checked, and only %d with all names together", report.Work.Histories, report.Work.Whole)
	}
}

// fake is a layer that does nothing, and reports coverage.
type fake struct{ err error }

func (f fake) Close() error { return nil }
func (f fake) Play(int, uint64) (Work, map[string]int64, error) {
	return Work{Runs: 1}, map[string]int64{"covered": 1}, f.err
}

func fakeLayer(err error) Layer {
	return Layer{Name: "fake", Faults: []string{"covered", "missing"}, Enough: 5, Open: func(int) (Player, error) { return fake{err}, nil }}
}

// A campaign that is long enough fails if a perturbation never happened, and names it.
func TestUncovered(t *testing.T) {
	for runs, want := range map[int64]bool{4: false, 5: true} {
		layer := fakeLayer(nil)
		report, err := Run(context.Background(), layer, Config{Runs: runs, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		err = report.Uncovered(layer)
		if (err != nil) != want || want && !strings.Contains(err.Error(), "missing") {
			t.Errorf("after %d runs without a perturbation: %v", runs, err)
		}
		if !slices.Equal(report.Missing, []string{"missing"}) {
			t.Errorf("missing are %q", report.Missing)
		}
	}
}

func TestLimits(t *testing.T) {
	report, err := Run(context.Background(), fakeLayer(nil), Config{Duration: 20 * time.Millisecond, Workers: 2})
	if err != nil || report.Work.Runs == 0 {
		t.Errorf("%d runs, %v", report.Work.Runs, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if report, err = Run(ctx, fakeLayer(nil), Config{Workers: 1}); err != nil || report.Work.Runs != 0 {
		t.Errorf("interrupted before it began: %d runs, %v", report.Work.Runs, err)
	}
	broken := errors.New("no server")
	if _, err = Run(context.Background(), fakeLayer(broken), Config{Workers: 1}); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := CheckWritable(filepath.Join(file, "below")); err == nil {
		t.Error("a folder below a file is said to be writable")
	}
}
