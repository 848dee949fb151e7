package world

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockd/sim/kernel"
)

// A run with a wrong oracle always fails, and shrinks to one or two commands.
func TestCanary(t *testing.T) {
	for seed := range uint64(40) {
		o := Draw(seed / 2)
		if seed%2 > 0 {
			o = DrawLoop(seed / 2)
			o.MaxConnections, o.Rates = 0, kernel.Rates{}
		}
		o.Canary, o.Behaviours = true, Behaviours{Behaved: 1}
		if _, err := Run(o); err == nil {
			t.Fatalf("the oracle was wrong and the run passed: %+v", o)
		}
		e, err := Explain(o, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if n := Commands(e.Shrunk); n > 2 || e.Reason == nil {
			t.Errorf("shrunk to %d commands, want one or two:\n%v", n, e.Shrunk)
		}
		back, err := ParseTrace(join(e.Shrunk))
		if err != nil {
			t.Fatal(err)
		}
		if Replay(o, back) == nil {
			t.Errorf("the trace that was written does not fail when read again:\n%s", join(e.Shrunk))
		}
	}
}

func join(events []Event) string {
	var b strings.Builder
	for _, event := range events {
		b.WriteString(event.String() + "\n")
	}
	return b.String()
}

// A run that passes cannot be explained.
func TestExplainPassing(t *testing.T) {
	if _, err := Explain(Draw(3), time.Second); !errors.Is(err, ErrNotRepeated) {
		t.Errorf("got %v, want %v", err, ErrNotRepeated)
	}
}

// Saved traces pass.
func TestTraces(t *testing.T) {
	paths, err := filepath.Glob("testdata/traces/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			o, events, err := ParseEvidence(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := Replay(o, events); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestParseTrace(t *testing.T) {
	for _, bad := range []string{"jump 1", "open x \"a\"", "receive 1 g", "close"} {
		if _, err := ParseTrace(bad); err == nil {
			t.Errorf("%q was read as a trace", bad)
		}
	}
}

// One connection may hold a hundred thousand locks, which a short campaign may not
// reach.
func TestHoard(t *testing.T) {
	t.Parallel()
	o := Draw(5)
	o.Hoard, o.Steps, o.MaxLocks, o.MaxConnections, o.EndPiece = 100_000, 20, 0, 0, 0
	result, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	if result.Coverage[HundredThousandLocks] == 0 {
		t.Error("the hoard was not taken")
	}
}
