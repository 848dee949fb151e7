package world

import "testing"

// Runs of the layer loop pass.
func TestLoopRuns(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		o := DrawLoop(seed)
		if _, err := Run(o); err != nil {
			t.Fatalf("%+v\n%v", o, err)
		}
	}
}
