package history

import "testing"

// TestFinish checks that the record of an interrupted run is checked as far as it goes.
func TestFinish(t *testing.T) {
	for _, test := range []struct {
		name, history string
		linearizable  bool
	}{
		{"the holder may have ended since", `
			0|g x|1|1|2
			1|g x|1|3|4`, true},
		{"the holder was answered later", `
			0|g x|1|1|2
			1|g x|1|3|4
			0|i y|0|5|6`, false},
		{"an unanswered get may have happened", `
			0|g x|?|1|0
			1|g x|0|3|4`, true},
		{"an unanswered get need not have happened", `
			0|g x|?|1|0
			1|g x|1|3|4`, true},
		{"recorded ends stay", `
			0|g x|1|1|2
			0|end||3|4
			1|g x|0|5|6`, false},
	} {
		h := parse(t, test.history)
		h.Finish()
		if err := h.valid(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if err := h.Check(); (err == nil) != test.linearizable {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestFinishBegins checks that an end begins at the last answered command, whatever its
// name is.
func TestFinishBegins(t *testing.T) {
	h := parse(t, `
		0|g x|1|1|2
		0|i y|0|5|6
		0|g y|?|7|0`)
	h.Finish()
	if end := h.Ops[3]; end.Command != End || end.Call != 5 || end.Return <= 7 || end.Seq != 3 {
		t.Errorf("the connection ends with %+v", end)
	}
}
