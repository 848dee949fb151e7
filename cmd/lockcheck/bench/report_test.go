package bench

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// round returns a round with a rate, and latencies around a median.
func round(rate, processor, ms float64) Round {
	r := Round{PerSecond: rate, Processor: processor, Yes: 1, Worst: ms * 100}
	for i, p := range percents {
		r.Latency = append(r.Latency, Percentile{p, ms * float64(i+1) / 5})
	}
	return r
}

func sample() Report {
	cell := func(connections int) Cell {
		return Cell{Connections: connections, Depth: 16, NameBytes: 15, Mix: "exclusive", Rounds: map[string][]Round{
			"lockd": {round(2e6, 500, 0.5), round(1e6, 600, 1), round(3e6, 400, 0.25)},
			"echo":  {round(4e6, 200, 0.2), round(4e6, 200, 0.2), round(3e6, 250, 0.25)},
		}}
	}
	return Report{
		Machine: "a machine", When: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), Command: "lockcheck bench -compare",
		Servers: []Version{{"lockd", "1.2.3"}, {"redis", "<7>"}, {"echo", ""}},
		Cells:   []Cell{cell(1), cell(50)}, Notes: []string{"dflockd is not installed"},
		Memory: []Memory{{"lockd", 13 << 20, 136, 800}, {"echo", 13 << 20, math.NaN(), 164}},
	}
}

// TestSpread checks medians, and ratios round by round.
func TestSpread(t *testing.T) {
	c := sample().Cells[0]
	if got, want := c.PerSecond("lockd"), (Spread{2e6, 1e6, 3e6}); got != want {
		t.Errorf("rates: got %v, want %v", got, want)
	}
	if got, want := c.Ratio("lockd", "echo"), (Spread{0.5, 0.25, 1}); got != want {
		t.Errorf("ratios: got %v, want %v", got, want)
	}
	if got, want := c.Latency("lockd", 50), (Spread{0.5, 0.25, 1}); got != want {
		t.Errorf("p50: got %v, want %v", got, want)
	}
	if got, want := spread([]float64{4, 1, 2, 3}), (Spread{2.5, 1, 4}); got != want {
		t.Errorf("of an even number: got %v, want %v", got, want)
	}
	if got := c.Ratio("lockd", "redis"); got != (Spread{}) {
		t.Errorf("with what was not measured: got %v", got)
	}
}

// TestText checks the tables.
func TestText(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	const want = `2026-11-27, a machine
lockd 1.2.3
redis <7>
echo
dflockd is not installed

1 connection, 16 at once, names of 15 bytes, exclusive
         commands/s  (lowest to highest)  processor  p50       p99       p99.9     lockd is
  lockd  2.00 M      (1.00 M to 3.00 M)   500 ns     0.500 ms  0.900 ms  1.1 ms
  echo   4.00 M      (3.00 M to 4.00 M)   200 ns     0.200 ms  0.360 ms  0.440 ms  0.50 x (0.25 to 1.00)
`
	got, _, _ := strings.Cut(b.String(), "\n50 connections")
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	const memory = `memory
         empty     a lock, of a million  an idle connection, of 10,000
  lockd  13.0 MiB  136 B                 800 B
  echo   13.0 MiB  ?                     164 B
`
	if !strings.HasSuffix(b.String(), memory) {
		t.Errorf("got\n%s\nwant at the end\n%s", b.String(), memory)
	}
}

// TestJSON checks that a report is valid JSON, also with what was not measured.
func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var r struct {
		Cells []struct {
			Connections int
			Rounds      map[string][]struct {
				Rate float64 `json:"per_second"`
			}
		}
		Memory []map[string]any
	}
	if err := json.Unmarshal([]byte(b.String()), &r); err != nil {
		t.Fatal(err)
	}
	if r.Cells[1].Connections != 50 || r.Cells[1].Rounds["lockd"][2].Rate != 3e6 || r.Memory[1]["bytes_per_lock"] != nil || r.Memory[0]["bytes_per_lock"] != 136.0 {
		t.Errorf("got %+v", r)
	}
}

// TestHTML checks that the page has all figures, and that texts are escaped.
func TestHTML(t *testing.T) {
	var b strings.Builder
	if err := sample().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	for want, times := range map[string]int{
		"&lt;7&gt;":               1, // a version
		"<svg ":                   3, // rates of one depth, latencies of two loads
		"<rect ":                  4,
		"<polyline ":              4,
		">2.00 M <small>":         2,
		"0.50 × <small>":          2,
		"NaN":                     0,
		"dflockd is not":          1,
		"lockd, 50 connections: ": 1,
	} {
		if got := strings.Count(b.String(), want); got != times {
			t.Errorf("%q is %d times on the page, want %d", want, got, times)
		}
	}
}

// TestRounded checks the ends and steps of axes.
func TestRounded(t *testing.T) {
	for v, want := range map[float64][2]float64{1: {1, 0.25}, 120: {125, 25}, 205e3: {250e3, 50e3}, 3.1e6: {3.5e6, 0.5e6}, 999: {1000, 100}} {
		if top, step := rounded(v); top != want[0] || step != want[1] {
			t.Errorf("%v: got %v in steps of %v, want %v", v, top, step, want)
		}
	}
}
