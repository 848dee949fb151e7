package docs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// machineOfLoops is a daemon with several loops and one or several Cores, in which time is
// simulated: a loop does for each batch what only it does, then gives the commands to the
// Cores, each of which serves one loop at a time, first come, first served.
type machineOfLoops struct {
	loops, cores     int
	steps            int     // in which a batch is given to Cores, each to one at random
	parallel, serial float64 // nanoseconds: of a batch outside of Core, and of a step in it
}

// perSecond returns how many batches a second are done.
func (m machineOfLoops) perSecond() float64 {
	const batches = 20_000
	random := rand.New(rand.NewPCG(1, 0))
	// What the kernel takes varies by half.
	outside := func() float64 { return m.parallel * (0.5 + random.Float64()) }
	ready, left := make([]float64, m.loops), make([]int, m.loops)
	for i := range ready {
		ready[i], left[i] = outside(), m.steps
	}
	free := make([]float64, m.cores)
	for done := 0; ; {
		i := slices.Index(ready, slices.Min(ready)) // who has come first
		core := random.IntN(m.cores)
		ready[i] = max(ready[i], free[core]) + m.serial
		free[core] = ready[i]
		if left[i]--; left[i] > 0 {
			continue
		}
		if done++; done == batches {
			return batches * 1e9 / ready[i]
		}
		ready[i], left[i] = ready[i]+outside(), m.steps
	}
}

// TestScale checks that the tables of scale.md follow from the costs in them: the rates by
// loops, and the rates by Cores of a machine with 32 loops.
func TestScale(t *testing.T) {
	text, err := os.ReadFile("scale.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		kind, isSplit := strings.CutSuffix(cells[0], ", split")
		kind, isRow := strings.CutSuffix(kind, " deep")
		if !isRow {
			continue
		}
		var figures [3]float64 // depth, parallel, serial
		for i, c := range []string{kind, cells[1], cells[2]} {
			if figures[i], err = strconv.ParseFloat(strings.ReplaceAll(c, ",", ""), 64); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		want := cells[:3:3]
		for _, n := range []int{1, 2, 4, 8, 16, 32} {
			m := machineOfLoops{loops: n, cores: 1, steps: 1, parallel: figures[1], serial: figures[2]}
			if isSplit { // a step for each command
				m = machineOfLoops{loops: 32, cores: n, steps: int(figures[0]), parallel: figures[1], serial: figures[2]}
			}
			want = append(want, millions(m.perSecond()*figures[0]))
		}
		if !slices.Equal(cells, want) {
			t.Errorf("got  | %s |\nwant | %s |", strings.Join(cells, " | "), strings.Join(want, " | "))
		}
		checked++
	}
	if checked < 6 {
		t.Errorf("%d rows were checked", checked)
	}
}

// millions writes a rate in millions with two digits.
func millions(rate float64) string {
	text := fmt.Sprintf("%.2g", rate/1e6)
	if regexp.MustCompile(`^\d$`).MatchString(text) {
		text += ".0"
	}
	return text
}
