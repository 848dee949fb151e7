package world

import (
	"strings"
	"testing"

	"lockd/server/core"
)

// The oracle of waits notices what it is for.
func TestFairness(t *testing.T) {
	grant := func(f *fairness, j *traced, id core.ID) {
		f.answer(j, core.Resumed{To: id, Reply: []byte("1 Lock Get Success: a\n")})
	}
	for name, c := range map[string]struct {
		play func(f *fairness, j *traced)
		want string
	}{
		"in turn":     {func(f *fairness, j *traced) { f.stand(j, 1); f.stand(j, 2); grant(f, j, 1); grant(f, j, 2) }, ""},
		"out of turn": {func(f *fairness, j *traced) { f.stand(j, 1); f.stand(j, 2); grant(f, j, 2); grant(f, j, 1) }, "WAIT-2"},
		"after its end": {func(f *fairness, j *traced) {
			f.stand(j, 1)
			f.ended[1] = true
			grant(f, j, 1)
		}, "WAIT-6"},
		"after a stop":   {func(f *fairness, j *traced) { f.stand(j, 1); f.stopped = true; grant(f, j, 1) }, "WAIT-7"},
		"waits too late": {func(f *fairness, j *traced) { f.stopped = true; f.stand(j, 1) }, "WAIT-7"},
		"twice":          {func(f *fairness, j *traced) { f.stand(j, 1); grant(f, j, 1); grant(f, j, 1) }, "WAIT-5"},
		"after a cancel": {func(f *fairness, j *traced) {
			f.stand(j, 1)
			f.stand(j, 2)
			f.answer(j, core.Resumed{To: 1, Reply: []byte("0 Wait Timeout: a\n")})
			grant(f, j, 2)
			f.stand(j, 1)
			grant(f, j, 1)
		}, ""},
	} {
		j := newTraced(Options{})
		f := newFairness()
		c.play(&f, j)
		switch err := j.Err(); {
		case err == nil && c.want != "", err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
