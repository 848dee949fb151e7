package fuzz

import "testing"

// The end of the time is distinguished from failures.
func TestOutOfTime(t *testing.T) {
	for output, want := range map[string]bool{
		"--- FAIL: FuzzStats (10.04s)\n    context deadline exceeded\nFAIL\nexit status 1\n":                                                 true,
		"--- FAIL: FuzzX (0.04s)\n    --- FAIL: FuzzX (0.00s)\n        x_test.go:5: wrong\n    Failing input written to testdata/fuzz/X/1\n": false,
		"--- FAIL: FuzzX (0.04s)\n    --- FAIL: FuzzX/seed#1 (0.00s)\n    context deadline exceeded\n":                                       false,
		"panic: context deadline exceeded": false,
	} {
		if got := outOfTime(output); got != want {
			t.Errorf("%q: got %v", output, got)
		}
	}
}
