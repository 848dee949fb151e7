package engine

import (
	"maps"
	"slices"
	"testing"

	"lockd/sim/conformance/script"
)

// TestVerbs compares the verbs of the language with those of the engine.
func TestVerbs(t *testing.T) {
	run := slices.Collect(maps.Keys(onConnection))
	run = append(run, slices.Collect(maps.Keys(withoutConnection))...)
	slices.Sort(run)
	if known := slices.Sorted(slices.Values(script.Verbs)); !slices.Equal(known, run) {
		t.Errorf("the language has the verbs %q, the engine %q", known, run)
	}
	for verb := range readsLine {
		if onConnection[verb] == nil {
			t.Errorf("there is no verb %s", verb)
		}
	}
}
