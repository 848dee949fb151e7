package soak

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"lockd/sim/attack"
	"lockd/sim/campaign"
	"lockd/sim/transport"
)

// Options are the load and the bounds of a soak.
type Options struct {
	Seed     uint64
	Duration time.Duration
	WarmUp   time.Duration // from which on samples count
	Sample   time.Duration // between two samples
	Pause    time.Duration // how long the server may take to come back when all clients have left
	Steady   int           // honest clients that are timed; every other one uses WebSockets, if there is the port
	Hostile  int           // raids at a time
	Bounds   Bounds

	// Program is the name of lockcheck in the commands that reports suggest.
	Program string
	// Progress, if not nil, is called after every sample.
	Progress func(*Report)
}

// crowdPause is the pause between two histories of one crowd, so that checking them takes
// little of the processors.
const crowdPause = 150 * time.Millisecond

// Run soaks a server. The error says why it could not begin; whatever happens afterwards is
// in the report. The end of ctx ends the soak early, without a verdict on what grows.
func Run(ctx context.Context, t *attack.Target, o Options) (*Report, error) {
	s := &soak{options: o, target: t, meter: &meter{target: t}}
	s.report = Report{options: o, Raids: map[string]*Tally{}}
	s.tcp = transport.Endpoint{Transport: transport.TCP, Address: t.Addr}
	if t.Web != "" {
		s.web = transport.Endpoint{Transport: transport.WebSocket, Address: "ws://" + t.Web + "/"}
	}
	var err error
	if s.report.First, err = s.meter.atRest(ctx); err != nil {
		return nil, fmt.Errorf("the server cannot be measured: %w", err)
	}
	if err := s.hello(); err != nil {
		return nil, err
	}
	s.report.began = time.Now()
	s.clients(ctx)
	if len(s.report.Wrong) == 0 && ctx.Err() == nil {
		s.comeBack(ctx)
	}
	s.report.Interrupted = ctx.Err() != nil
	s.report.judge()
	return &s.report, nil
}

// soak is a running soak.
type soak struct {
	options  Options
	target   *attack.Target
	meter    *meter
	tcp, web transport.Endpoint // web is zero without an HTTP port
	cancel   context.CancelFunc

	mu     sync.Mutex // of report
	report Report
}

// hello checks that the server answers, and has the commands that honest clients use.
func (s *soak) hello() error {
	c, err := connect(s.tcp)
	if err != nil {
		return fmt.Errorf("no server answers at %v: %w", s.tcp, err)
	}
	defer c.Close()
	if line, err := c.ask("w x g name"); err != nil || line != "0 Usage: w MS g NAME" {
		return fmt.Errorf("the server at %v answers %q (%v) to a wait of x milliseconds; honest clients need the extended level, with waits and lists", s.tcp, line, err)
	}
	if line, err := c.ask("l " + c.LocalAddr().String()); err != nil || line == "0 disabled" {
		return fmt.Errorf("the server at %v answers %q (%v) to a list; honest clients need -dump", s.tcp, line, err)
	}
	return nil
}

// clients runs all clients until the time is over, ctx ends, or an answer is wrong.
func (s *soak) clients(outer context.Context) {
	ctx, cancel := context.WithTimeout(outer, s.options.Duration)
	s.cancel = cancel
	defer cancel()
	var all sync.WaitGroup
	for i := range s.options.Steady {
		all.Go(func() { s.wrong(outer, s.steady(ctx, i)) })
	}
	for i, e := range s.endpoints() {
		all.Go(func() { s.wrong(outer, s.crowd(ctx, e, s.options.Seed+uint64(i)<<32)) })
	}
	for i := range s.options.Hostile {
		all.Go(func() { s.raid(ctx, i) })
	}
	all.Go(func() { s.report.Waits.Checker.watch(ctx) })
	s.watch(ctx)
	all.Wait()
}

// endpoints returns those that honest clients use.
func (s *soak) endpoints() []transport.Endpoint {
	if s.web.Address == "" {
		return []transport.Endpoint{s.tcp}
	}
	return []transport.Endpoint{s.tcp, s.web}
}

// steady runs a steady client.
func (s *soak) steady(ctx context.Context, number int) error {
	all := s.endpoints()
	e := all[number%len(all)]
	if err := runSteady(ctx, e, s.options.Seed, number, &s.report.Waits); err != nil {
		return fmt.Errorf("steady client %d over %s: %w", number, e.Transport, err)
	}
	return nil
}

// crowd plays histories of clients that contend.
func (s *soak) crowd(ctx context.Context, e transport.Endpoint, seed uint64) error {
	r, err := campaign.Run(ctx, campaign.Remote(e, 0, 0), campaign.Config{Seed: seed, Workers: 1, Pause: crowdPause, Program: s.options.Program, Progress: func(r campaign.Report) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.report.progress(e, r)
	}})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.progress(e, r)
	if r.Failure != nil {
		s.report.Crowd = append(s.report.Crowd, r)
		err = r.Failure
	}
	if err != nil {
		return fmt.Errorf("contending clients over %s: %w", e.Transport, err)
	}
	return nil
}

// wrong notes what an honest client was answered, and ends the soak. If outer ends at the
// same time, the interrupt may have ended the server as well, which is not its failure.
func (s *soak) wrong(outer context.Context, err error) {
	if err == nil {
		return
	}
	sleep(outer, 200*time.Millisecond)
	if outer.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Wrong = append(s.report.Wrong, err)
	s.cancel()
}

// watch samples the server until ctx ends.
func (s *soak) watch(ctx context.Context) {
	ticker := time.NewTicker(s.options.Sample)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		sample, err := s.meter.sample(ctx)
		s.mu.Lock()
		if err != nil && ctx.Err() == nil {
			s.report.Missed++
		}
		if err == nil {
			sample.At = time.Since(s.report.began)
			s.report.Samples = append(s.report.Samples, sample)
		}
		if s.options.Progress != nil {
			s.options.Progress(&s.report)
		}
		s.mu.Unlock()
	}
}

// comeBack waits until the server is as it was before the first client, or for Pause.
func (s *soak) comeBack(ctx context.Context) {
	deadline := time.Now().Add(s.options.Pause)
	for {
		last, err := s.meter.atRest(ctx)
		late := time.Now().After(deadline)
		if err == nil {
			s.report.Last = last
		} else if late {
			s.report.Wrong = append(s.report.Wrong, fmt.Errorf("the server cannot be measured when all clients have left: %w", err))
		}
		if late || err == nil && len(s.report.left()) == 0 || ctx.Err() != nil {
			return
		}
		time.Sleep(min(time.Second, s.options.Pause/4))
	}
}

// httpClient asks an HTTP port, with a connection for each request.
var httpClient = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
