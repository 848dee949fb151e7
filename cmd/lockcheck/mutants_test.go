package main

import (
	"testing"

	"lockd/sim/mutants"
)

// TestParts checks that the parts together are all mutants, once each.
func TestParts(t *testing.T) {
	list := []mutants.Mutant{{Name: "a1"}, {Name: "b"}, {Name: "a2"}, {Name: "a3"}, {Name: "a4"}, {Name: "a5"}}
	seen := map[string]int{}
	for _, part := range []string{"1/3", "2/3", "3/3"} {
		for _, m := range takePart(list, "a", part) {
			seen[m.Name]++
		}
	}
	if len(seen) != 5 {
		t.Errorf("the parts have %v", seen)
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s is in %d parts", name, n)
		}
	}
	for part, valid := range map[string]bool{"1/1": true, "2/2": true, "0/2": false, "3/2": false, "1": false, "x/2": false, "1/": false} {
		if validPart(part) != valid {
			t.Errorf("%q: valid is %v", part, !valid)
		}
	}
}
