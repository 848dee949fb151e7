package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lockd/cmd/lockcheck/load"
)

// Config is what is measured.
type Config struct {
	Lockd  string // the program; "" looks for it
	Self   string // this program, which also is the echo
	Matrix Matrix
	Rounds int           // of each cell, interleaved
	Warmup time.Duration // before each measurement
	Time   time.Duration // of each measurement
	Memory bool          // measure memory, too
	Log    io.Writer     // what happens
}

// Matrix are the loads: each with each.
type Matrix struct {
	Connections, Depths, NameBytes []int
	Rates                          []float64 // as load.Options.Rate
}

func (m Matrix) cells(mix string) (cells []Cell) {
	for _, bytes := range m.NameBytes {
		for _, connections := range m.Connections {
			for _, depth := range m.Depths {
				for _, rate := range m.Rates {
					cells = append(cells, Cell{Connections: connections, Depth: depth, NameBytes: bytes, Rate: rate, Mix: mix, Rounds: map[string][]Round{}})
				}
			}
		}
	}
	return cells
}

// of returns the load of a cell, for the rest as o.
func (c Cell) of(o load.Options) load.Options {
	o.Connections, o.Depth, o.NameBytes, o.Rate = c.Connections, c.Depth, c.NameBytes, c.Rate
	return o
}

// check returns what is wrong with the loads for a protocol.
func (m Matrix) check(protocol load.Protocol, o load.Options) error {
	for _, cell := range m.cells("") {
		if err := cell.of(o).Check(protocol); err != nil {
			return err
		}
	}
	return nil
}

// options returns what the loads of all cells have in common.
func (c Config) options() load.Options {
	return load.Options{Names: 16, Mix: load.Mix{load.Exclusive: 1}, Warmup: c.Warmup, Duration: c.Time}
}

// Check returns what is wrong with the loads.
func (c Config) Check() error {
	protocol, err := load.Named("lockd")
	return errors.Join(err, c.Matrix.check(protocol, c.options()))
}

// Compare starts the servers that are installed, measures them side by side, and ends them.
// It returns what it has measured also if ctx ends.
func Compare(ctx context.Context, c Config) (r Report, err error) {
	r = Report{Machine: machine(), When: time.Now()}
	server, generator := -1, -1
	if all := processors(); len(all) > 1 {
		server, generator = all[0], all[len(all)-1]
	} else {
		r.Notes = append(r.Notes, "the servers and the load share a processor: the figures are too low, and say little")
	}
	servers, notes, err := started(ctx, c, server)
	if err != nil {
		return r, err
	}
	r.Notes = append(r.Notes, notes...)
	defer func() {
		for _, s := range servers {
			s.End()
		}
	}()
	if generator >= 0 {
		if err := pin(generator); err != nil {
			return r, err
		}
	}
	for _, s := range servers {
		r.Servers = append(r.Servers, s.Version)
	}
	r.Cells = c.Matrix.cells("exclusive")
	for round := range c.Rounds {
		for _, cell := range r.Cells {
			for _, s := range servers {
				o := cell.of(c.options())
				o.Seed = uint64(round)
				measured, err := measure(ctx, s, o)
				if err != nil {
					return r, errors.Join(ctx.Err(), err)
				}
				cell.Rounds[s.Name] = append(cell.Rounds[s.Name], measured)
				fmt.Fprintf(c.Log, "round %d of %d: %s: %-9s %8s/s\n", round+1, c.Rounds, cell.Title(), s.Name, number(measured.PerSecond))
			}
		}
	}
	if c.Memory {
		for _, s := range servers {
			fmt.Fprintf(c.Log, "memory of %s\n", s.Name)
			m, err := memoryOf(ctx, s)
			if err != nil {
				return r, errors.Join(ctx.Err(), err)
			}
			r.Memory = append(r.Memory, m)
		}
	}
	return r, nil
}

// measure puts one load on a server, whose address it uses.
func measure(ctx context.Context, s *Server, o load.Options) (Round, error) {
	var took time.Duration
	o.Addr = s.Addr
	o.Measuring = func(begins bool) {
		now := s.processor()
		if begins {
			took = now
		} else {
			took = now - took
		}
	}
	result, err := load.Run(ctx, s.Protocol, o)
	if err != nil {
		return Round{}, err
	}
	r := Round{
		PerSecond: result.PerSecond(), Processor: float64(took) / float64(result.Commands), Yes: float64(result.Yes) / float64(result.Commands),
		Worst: inMilliseconds(result.Worst()),
	}
	for _, p := range percents {
		r.Latency = append(r.Latency, Percentile{p, inMilliseconds(result.Quantile(p))})
	}
	return r, nil
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
