package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Report is what was measured.
type Report struct {
	Machine string    `json:"machine"`
	When    time.Time `json:"when"`
	Command string    `json:"command"`
	Servers []Version `json:"servers"` // the first one is what the others are compared with
	Cells   []Cell    `json:"cells"`
	Memory  []Memory  `json:"memory,omitempty"`
	Notes   []string  `json:"notes,omitempty"`
}

// Version is a server that was measured.
type Version struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// Cell is one load on all servers.
type Cell struct {
	Connections int                `json:"connections"`
	Depth       int                `json:"depth"`
	NameBytes   int                `json:"name_bytes"`
	Mix         string             `json:"mix"`
	Rate        float64            `json:"rate,omitempty"` // commands a second that were due; 0: as fast as they came
	Rounds      map[string][]Round `json:"rounds"`         // by server
}

// Round is one measurement.
type Round struct {
	PerSecond float64 `json:"per_second"` // commands
	// Processor is what the server's process took of it for a command, in nanoseconds; 0 if
	// that is not known, of a server that was running already.
	Processor float64      `json:"processor_ns,omitempty"`
	Yes       float64      `json:"yes"` // the share of the replies that were a yes
	Latency   []Percentile `json:"latency"`
	Worst     float64      `json:"worst_ms"`
}

// Percentile is a latency that a percentage of the commands did not exceed.
type Percentile struct {
	Percent      float64 `json:"percent"`
	Milliseconds float64 `json:"ms"`
}

// percents are the percentiles of a round.
var percents = []float64{1, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99}

// Memory is what a server keeps, in bytes; NaN, in JSON null, is not measured.
type Memory struct {
	Server     string  `json:"server"`
	Empty      float64 `json:"resident_bytes"`       // of the process, after its start
	Lock       float64 `json:"bytes_per_lock"`       // that is held, at a million
	Connection float64 `json:"bytes_per_connection"` // that is idle, at ten thousand
}

// Spread is the median of some figures, and the lowest and the highest.
type Spread struct{ Median, Lowest, Highest float64 }

// spread returns that of some figures; all 0 of none.
func spread(figures []float64) Spread {
	if len(figures) == 0 {
		return Spread{}
	}
	f := slices.Sorted(slices.Values(figures))
	median := f[len(f)/2]
	if len(f)%2 == 0 {
		median = (median + f[len(f)/2-1]) / 2
	}
	return Spread{median, f[0], f[len(f)-1]}
}

// PerSecond returns the rates of a server.
func (c Cell) PerSecond(server string) Spread {
	return c.figures(server, func(r Round) float64 { return r.PerSecond })
}

// Processor returns the nanoseconds of processor a command of a server.
func (c Cell) Processor(server string) Spread {
	return c.figures(server, func(r Round) float64 { return r.Processor })
}

// Latency returns the latencies of a server at one of the percentiles, in milliseconds.
func (c Cell) Latency(server string, percent float64) Spread {
	return c.figures(server, func(r Round) float64 {
		for _, p := range r.Latency {
			if p.Percent == percent {
				return p.Milliseconds
			}
		}
		return r.Worst
	})
}

// Ratio returns how much higher the rate of the first server is than that of the second,
// round by round, since the two were measured one after the other.
func (c Cell) Ratio(first, second string) Spread {
	a, b := c.Rounds[first], c.Rounds[second]
	var ratios []float64
	for i := range min(len(a), len(b)) {
		ratios = append(ratios, a[i].PerSecond/b[i].PerSecond)
	}
	return spread(ratios)
}

func (c Cell) figures(server string, figure func(Round) float64) Spread {
	var figures []float64
	for _, r := range c.Rounds[server] {
		figures = append(figures, figure(r))
	}
	return spread(figures)
}

// Title names the load.
func (c Cell) Title() string {
	title := fmt.Sprintf("%d connections, %d at once, names of %d bytes, %s", c.Connections, c.Depth, c.NameBytes, c.Mix)
	if c.Connections == 1 {
		title = strings.Replace(title, "1 connections", "1 connection", 1)
	}
	if c.Rate > 0 {
		title += fmt.Sprintf(", %s commands/s due", number(c.Rate))
	}
	return title
}

// Empty says that nothing was measured.
func (r Report) Empty() bool {
	for _, c := range r.Cells {
		if len(c.Rounds) > 0 {
			return false
		}
	}
	return true
}

// WriteJSON writes a report as JSON.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// MarshalJSON implements json.Marshaler: what was not measured is null.
func (m Memory) MarshalJSON() ([]byte, error) {
	figures := map[string]any{"server": m.Server}
	for name, f := range map[string]float64{"resident_bytes": m.Empty, "bytes_per_lock": m.Lock, "bytes_per_connection": m.Connection} {
		figures[name] = f
		if math.IsNaN(f) {
			figures[name] = nil
		}
	}
	return json.Marshal(figures)
}

// distinct returns what the cells have, in ascending order.
func distinct(cells []Cell, of func(Cell) int) []int {
	found := map[int]bool{}
	for _, c := range cells {
		found[of(c)] = true
	}
	return slices.Sorted(maps.Keys(found))
}
