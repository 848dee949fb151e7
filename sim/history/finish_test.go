package history

import "testing"

// A record that broke off is judged as far as it goes.
func TestFinish(t *testing.T) {
	for _, test := range []struct {
		name, history string
		linearizable  bool
	}{
		{"the holder may have ended since", `
			0|g x|1|1|2
			1|g x|1|3|4`, true},
		{"the holder asked for something later", `
			0|g x|1|1|2
			1|g x|1|3|4
			0|i y|0|5|6`, false},
		{"what has no answer may have happened", `
			0|g x|?|1|0
			1|g x|0|3|4`, true},
		{"what has no answer need not have happened", `
			0|g x|?|1|0
			1|g x|1|3|4`, true},
		{"ends that are there stay", `
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

// An end begins at the last command that was answered, whatever its name.
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
