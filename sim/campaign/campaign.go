// Package campaign plays many seeds of a layer of the simulation, counts what
// they covered, and writes evidence of the first failure.
//
// It does not judge runs: the layers and sim/history do, and a campaign only fails if
// a kind of perturbation never happened in it. Begin with [Layer], which is one way to
// test the server, and [Run]; layers.go and sockets.go have the layers, evidence.go
// writes failures and replay.go plays them again.
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

// Work counts what some runs did.
type Work struct {
	Runs      int64 `json:"runs"`
	Steps     int64 `json:"steps,omitempty"`     // of the layers world and loop
	Commands  int64 `json:"commands,omitempty"`  // executed, or recorded in histories
	Bytes     int64 `json:"bytes,omitempty"`     // that reached the server: byte-level steps
	Histories int64 `json:"histories,omitempty"` // checked by porcupine, each name on its own
	Whole     int64 `json:"whole,omitempty"`     // of these, with all names together; of recorded runs
	// Trace is the SHA-256 of the trace of the last run, in hexadecimal, in layers in
	// which it follows from the seed alone.
	Trace string `json:"trace,omitempty"`
}

func (w *Work) add(other Work) {
	w.Runs += other.Runs
	w.Steps += other.Steps
	w.Commands += other.Commands
	w.Bytes += other.Bytes
	w.Histories += other.Histories
	w.Whole += other.Whole
	w.Trace = other.Trace
}

// Layer is one of the ways to test the server.
type Layer struct {
	Name  string
	Given Params
	// Faults are the kinds of perturbations, each of which must happen in a campaign
	// of at least Enough runs.
	Faults []string
	Enough int64
	// Open prepares the layer for a number of workers.
	Open func(workers int) (Player, error)
}

// Player plays seeds.
type Player interface {
	// Play plays one seed on one worker. Different workers call it concurrently. The
	// error is a *Failure, or says why the seed could not be played.
	Play(worker int, seed uint64) (Work, map[string]int64, error)
	// Close ends the layer. Its error is like that of Play.
	Close() error
}

// Failure is a violation of the protocol, or of an invariant.
type Failure struct {
	Seed uint64
	Err  error
	// Write writes the evidence of the failure into a folder and returns lines about
	// it for people; nil if there is no evidence.
	Write func(dir string) (notes []string, err error)
}

func (f *Failure) Error() string { return f.Err.Error() }

// Config has the limits of a campaign. The first one that is reached ends it.
type Config struct {
	Seed     uint64 // of the first run; the others follow it
	Runs     int64  // 0: no limit
	Bytes    int64  // 0: no limit
	Duration time.Duration
	Workers  int
	Pause    time.Duration // of a worker after each run
	// Program is the name of lockcheck in the commands that reports suggest; "" is
	// go run in the source tree.
	Program string
	// Progress, if not nil, is called about twice a second.
	Progress func(Report)
}

// Report is what a campaign has done.
type Report struct {
	Layer    string
	Given    Params
	Program  string
	Work     Work
	Elapsed  time.Duration
	Coverage map[string]int64
	Missing  []string // faults that never happened
	Failure  *Failure
}

// Run plays a layer until a limit, the end of ctx, or a failure, which it returns in
// the report. The error says why the layer could not be played.
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

// running is a running campaign.
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
		if r.config.Pause > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(r.config.Pause):
			}
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
	return fmt.Errorf("%s: these perturbations never happened in %d runs: %q; fix the generator", r.Layer, r.Work.Runs, r.Missing)
}
