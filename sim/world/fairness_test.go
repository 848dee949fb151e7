package world

import (
	"strings"
	"testing"

	"lockd/server/core"
)

// The oracle sees what happens to the connections of a world: if it believes that two have
// come in the other order, or have ended, it finds their grants wrong.
func TestFairnessSees(t *testing.T) {
	for name, c := range map[string]struct {
		play func(j *traced)
		want string
	}{
		"nothing wrong": {func(j *traced) { j.Close(0); j.Close(1) }, ""},
		"close": {func(j *traced) {
			w := j.fair.waiting
			w[2], w[3] = w[3], w[2]
			j.Close(0)
			j.Close(1)
		}, "WAIT-2"},
		"end of the stream": {func(j *traced) { j.fair.waiting = map[core.ID]int{}; j.EndOfStream(1) }, "WAIT-5"},
		"stop":              {func(j *traced) { j.fair.waiting = map[core.ID]int{}; j.Stop(0) }, "WAIT-5"},
		"receive":           {func(j *traced) { j.fair.ended[2] = true; j.Receive(0, []byte("r a\n")) }, "WAIT-6"},
		"time":              {func(j *traced) { j.fair.waiting = map[core.ID]int{}; j.Tick(9 * core.Second) }, "WAIT-5"},
		"a wait": {func(j *traced) {
			j.fair.ended[1] = true
			j.Receive(0, []byte("w 9 g b\ng c\n"))
			j.Open(3, "h:4")
			j.fair.ended[4] = true
			j.Receive(3, []byte("w 9000 g a\n"))
		}, "WAIT-6"},
	} {
		j := newTraced(Options{Extended: true})
		for n, line := range []string{"g a\n", "w 9000 g a\n", "w 9000 g a\n"} {
			j.Open(n, "h:1")
			j.Receive(n, []byte(line))
		}
		c.play(j)
		switch err := j.Err(); {
		case err == nil && c.want != "", err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

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
