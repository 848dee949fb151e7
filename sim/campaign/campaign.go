// Package campaign plays many seeds of a layer of the simulation, counts what
// they covered, and writes evidence of the first failure.
package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Work is how much some runs did.
type Work struct {
	Runs      int64 `json:"runs"`
	Steps     int64 `json:"steps,omitempty"`     // events of the deterministic world
	Commands  int64 `json:"commands,omitempty"`  // executed, or recorded in histories
	Bytes     int64 `json:"bytes,omitempty"`     // that reached the server: byte-level steps
	Histories int64 `json:"histories,omitempty"` // checked by porcupine
	// Trace is the SHA-256 of all that happened in the last run, in hexadecimal,
	// where the seed alone decides that.
	Trace string `json:"trace,omitempty"`
}

func (w *Work) add(other Work) {
	w.Runs += other.Runs
	w.Steps += other.Steps
	w.Commands += other.Commands
	w.Bytes += other.Bytes
	w.Histories += other.Histories
	w.Trace = other.Trace
}

// Layer is one of the ways to test the server.
type Layer struct {
	Name  string
	Given Given
	// Faults are the kinds of perturbations that must happen in a campaign of
	// at least Enough runs.
	Faults []string
	Enough int64
	// Open prepares the layer for a number of workers.
	Open func(workers int) (Player, error)
}

// Player plays seeds.
type Player interface {
	// Play plays one seed on one worker; workers play at the same time. The
	// error is a *Failure, or says why nothing could be played.
	Play(worker int, seed uint64) (Work, map[string]int64, error)
	// Close ends the layer; the error is a *Failure or likewise.
	Close() error
}

// Failure is a violation of the protocol, or of an invariant.
type Failure struct {
	Seed uint64
	Err  error
	// Write writes what is known of the failure into a folder and returns
	// lines that tell people about it; nil if there is nothing to write.
	Write func(dir string) (notes []string, err error)
}

func (f *Failure) Error() string { return f.Err.Error() }

// Config says how long a campaign goes on. The first limit that is reached
// ends it.
type Config struct {
	Seed     uint64 // of the first run; the others follow it
	Runs     int64  // 0: no limit
	Bytes    int64  // 0: no limit
	Duration time.Duration
	Workers  int
	// Program is how people call lockcheck, for the commands that they are told;
	// "" is go run inside the source tree.
	Program string
	// Progress, if not nil, is called about twice a second.
	Progress func(Report)
}

// Report is what a campaign has done.
type Report struct {
	Layer    string
	Given    Given
	Program  string
	Work     Work
	Elapsed  time.Duration
	Coverage map[string]int64
	Missing  []string // faults that never happened
	Failure  *Failure
}

// Run plays a layer until a limit, the end of ctx, or a failure. The error says
// why the layer could not be played; a failure stands in the report.
func Run(ctx context.Context, layer Layer, c Config) (Report, error) {
	player, err := layer.Open(c.Workers)
	if err != nil {
		return Report{Layer: layer.Name}, err
	}
	r := &running{layer: layer, config: c, started: time.Now(), coverage: map[string]int64{}, player: player}
	ctx, r.cancel = context.WithCancel(ctx)
	defer r.cancel()
	if c.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Duration)
		defer cancel()
	}
	var workers sync.WaitGroup
	for worker := range c.Workers {
		workers.Go(func() { r.play(ctx, worker) })
	}
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { r.watch(stop) })
	workers.Wait()
	close(stop)
	watch.Wait()
	r.note(player.Close())
	return r.report(), r.broken
}

// running is a campaign under way.
type running struct {
	layer   Layer
	config  Config
	started time.Time
	player  Player
	cancel  context.CancelFunc
	next    atomic.Int64 // number of the next run

	mu       sync.Mutex
	work     Work
	coverage map[string]int64
	failure  *Failure
	broken   error
}

func (r *running) play(ctx context.Context, worker int) {
	for ctx.Err() == nil {
		number := r.next.Add(1) - 1
		if r.config.Runs > 0 && number >= r.config.Runs {
			return
		}
		work, coverage, err := r.player.Play(worker, r.config.Seed+uint64(number))
		r.mu.Lock()
		r.work.add(work)
		for what, n := range coverage {
			r.coverage[what] += n
		}
		enough := r.config.Bytes > 0 && r.work.Bytes >= r.config.Bytes
		r.mu.Unlock()
		r.note(err)
		if err != nil || enough {
			r.cancel()
		}
	}
}

// note keeps the first failure.
func (r *running) note(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var failure *Failure
	switch {
	case errors.As(err, &failure) && r.failure == nil:
		r.failure = failure
	case failure == nil && r.broken == nil:
		r.broken = err
	}
}

func (r *running) watch(stop chan struct{}) {
	if r.config.Progress == nil {
		return
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			r.config.Progress(r.report())
		}
	}
}

func (r *running) report() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := Report{
		Layer: r.layer.Name, Given: r.layer.Given, Program: r.config.Program, Work: r.work, Elapsed: time.Since(r.started),
		Coverage: map[string]int64{}, Failure: r.failure,
	}
	for what, n := range r.coverage {
		report.Coverage[what] = n
	}
	for _, fault := range r.layer.Faults {
		if r.coverage[fault] == 0 {
			report.Missing = append(report.Missing, fault)
		}
	}
	slices.Sort(report.Missing)
	return report
}

// Uncovered returns an error that names the faults that never happened in a
// campaign that was long enough for all of them.
func (r Report) Uncovered(layer Layer) error {
	if r.Failure != nil || r.Work.Runs < layer.Enough || len(r.Missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s: these perturbations never happened in %d runs: %q; mend the generator", r.Layer, r.Work.Runs, r.Missing)
}
