package mutants

import "testing"

func TestPlaces(t *testing.T) {
	if err := Places("../.."); err != nil {
		t.Error(err)
	}
	if n := len(All()); n < 60 {
		t.Errorf("%d mutants, want at least 60", n)
	}
	lost := Mutant{"lost", "lock/machine.go", "no such text", ""}
	if _, err := lost.apply("../.."); err == nil {
		t.Error("a mutant without a place was applied")
	}
}
