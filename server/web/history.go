package web

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"lockd/server"
	"lockd/server/core"
	"lockd/wire"
)

// The status page plots the last five minutes.
const (
	historyStep   = 2 * time.Second
	historyLength = 150
)

// sample is what is plotted, at one moment.
type sample struct {
	at time.Time
	// Sizes.
	locks, connections, waiters int
	// Counters.
	commands, refused, orphans uint64
}

// history is the latest samples. The zero value has none.
type history struct {
	mu      sync.Mutex
	samples []sample // the oldest first
}

func take(at time.Time, m *server.Measures) sample {
	s := sample{at: at, locks: m.Exclusive.Names + m.Shared.Names, waiters: m.Exclusive.Waiters + m.Shared.Waiters}
	for _, n := range m.Open {
		s.connections += n
	}
	for _, outcomes := range m.Commands {
		for _, n := range outcomes {
			s.commands += n
		}
	}
	for _, command := range []wire.Command{wire.Get, wire.GetShared, wire.GetBounded, wire.Wait} {
		s.refused += core.NotGranted(&m.Commands[command])
	}
	s.orphans = m.Exclusive.Orphans + m.Shared.Orphans
	return s
}

// record adds a sample.
func (h *history) record(at time.Time, m *server.Measures) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.samples) > historyLength { // one more than points, for the first rate
		h.samples = append(h.samples[:0], h.samples[1:]...)
	}
	h.samples = append(h.samples, take(at, m))
}

// figure is one of the figures on top of the page.
type figure struct {
	Title string
	Value string
	Most  string // in the plot
	Path  string // of the plot, "" with too few points
}

// plotWidth and plotHeight are the size of a plot in its own coordinates.
const (
	plotWidth  = historyLength - 1
	plotHeight = 30
)

// figures returns the figures: sizes now, and rates over the last step.
func (h *history) figures(m *server.Measures) []figure {
	h.mu.Lock()
	samples := append([]sample(nil), h.samples...)
	h.mu.Unlock()
	now := take(time.Now(), m)
	size := func(title string, of func(sample) int) figure {
		var points []float64
		for _, s := range append(samples[max(0, len(samples)-historyLength+1):len(samples):len(samples)], now) {
			points = append(points, float64(of(s)))
		}
		f := plot(points, func(most float64) string { return count(int(most)) })
		f.Title, f.Value = title, count(of(now))
		return f
	}
	perSecond := func(title string, of func(sample) uint64) figure {
		var points []float64
		for i := 1; i < len(samples); i++ {
			points = append(points, float64(of(samples[i])-of(samples[i-1]))/samples[i].at.Sub(samples[i-1].at).Seconds())
		}
		f := plot(points, rate)
		f.Title, f.Value = title, "0"
		if len(points) > 0 {
			f.Value = rate(points[len(points)-1])
		}
		return f
	}
	return []figure{
		size("locks held", func(s sample) int { return s.locks }),
		size("connections", func(s sample) int { return s.connections }),
		size("waiting", func(s sample) int { return s.waiters }),
		perSecond("commands/s", func(s sample) uint64 { return s.commands }),
		perSecond("gets refused/s", func(s sample) uint64 { return s.refused }),
		perSecond("orphans/s", func(s sample) uint64 { return s.orphans }),
	}
}

// plot draws points, the latest at the right.
func plot(points []float64, show func(most float64) string) figure {
	most := 0.0
	for _, p := range points {
		most = max(most, p)
	}
	f := figure{Most: show(most)}
	if len(points) < 2 {
		return f
	}
	var path strings.Builder
	for i, p := range points {
		if i == 0 {
			path.WriteString("M")
		} else {
			path.WriteString(" L")
		}
		path.WriteString(strconv.Itoa(plotWidth - (len(points) - 1) + i))
		path.WriteByte(' ')
		y := plotHeight - 1.0
		if most > 0 {
			y -= p / most * (plotHeight - 2)
		}
		path.WriteString(strconv.FormatFloat(y, 'f', 1, 64))
	}
	f.Path = path.String()
	return f
}
