package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options says what to judge and how.
type Options struct {
	// Endpoints are where the server listens. Every case is run on each. They
	// are replaced by what Start returns.
	Endpoints []Endpoint
	// Start starts the server to be judged; nil where it is running already.
	Start func(context.Context) (*Instance, error)
	// Dialect is that of the server; empty: found out.
	Dialect Dialect
	// Level is the highest level whose cases are run.
	Level Level
	// Run selects cases by id or by shell pattern; empty: all.
	Run []string
	// Skip leaves cases out, by id or by shell pattern.
	Skip []string
	// Timeout is how long one answer may take; 0: DefaultTimeout.
	Timeout time.Duration
	// Parallel is how many cases run at once; 0: DefaultParallel.
	Parallel int
	// MaxLine is the server's limit of a line, in bytes; 0: that of BAD-3.
	MaxLine int
	// MaxConnections and MaxLocks are the server's limits; 0: unknown, and
	// the cases about the limit are skipped.
	MaxConnections, MaxLocks int
	// Progress is called after every case, from one goroutine at a time; may
	// be nil.
	Progress func(Result)
}

// Defaults of Options.
const (
	DefaultTimeout  = 2 * time.Second
	DefaultParallel = 16
	defaultMaxLine  = 65536 // [BAD-3]
)

// Suite is one run of the cases against one server.
type Suite struct {
	ctx      context.Context
	opts     Options
	server   Server
	instance *Instance
	runID    string
	runs     atomic.Int64
}

// Run runs the cases against the server and returns what it found. The error
// is an *ErrUsage, an *ErrUnreachable, or that of ctx or of Options.Start;
// deviations are no error.
func Run(ctx context.Context, opts Options) (*Report, error) {
	if opts.Timeout == 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.Parallel == 0 {
		opts.Parallel = DefaultParallel
	}
	if opts.MaxConnections > 0 || opts.MaxLocks > 0 {
		opts.Parallel = 1 // cases side by side would meet the limit
	}
	if opts.MaxLine == 0 {
		opts.MaxLine = defaultMaxLine
	}
	chosen, err := Choose(opts)
	if err != nil {
		return nil, err
	}
	s := &Suite{ctx: ctx, opts: opts, runID: base36(time.Now().UnixMilli(), 4)}
	s.server.Endpoints = opts.Endpoints
	started := time.Now()
	defer s.stop()
	if err := s.restart(); err != nil {
		return nil, err
	}
	if len(s.server.Endpoints) == 0 {
		return nil, usageError("no address to test: give one")
	}
	if err := s.detect(); err != nil {
		return nil, err
	}
	results, died := s.runAll(chosen)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return newReport(s, started, results, died), nil
}

// job is a case on an endpoint, by the endpoint's index: a server that is
// started again may have moved.
type job struct {
	c  *Case
	on int
}

// runAll runs every case on every endpoint: first those that run side by
// side, then those that must be alone. died is set when the server stopped
// serving; without a way to start it again, the rest is not run.
func (s *Suite) runAll(cases []*Case) (results []Result, died error) {
	var together, alone []job
	for on := range s.server.Endpoints {
		for _, c := range cases {
			if reason := s.unmet(c, on); reason != "" {
				results = append(results, s.result(job{c, on}, Skipped, reason))
			} else if c.alone() || s.opts.Parallel == 1 {
				alone = append(alone, job{c, on})
			} else {
				together = append(together, job{c, on})
			}
		}
	}
	slices.SortStableFunc(alone, func(a, b job) int { return cmp.Compare(a.c.turn(), b.c.turn()) })
	done, open, died := s.runTogether(together)
	results = append(results, done...)
	if died != nil && s.opts.Start == nil {
		for _, j := range append(open, alone...) {
			results = append(results, s.result(j, NotRun, "the server died"))
		}
		return results, died
	}
	// What was under way when the server died is run again, one at a time:
	// that tells which case it was.
	for i, j := range append(open, alone...) {
		if died != nil && s.instance == nil {
			if err := s.restart(); err != nil {
				return results, err
			}
		}
		result, err := s.runAlone(j)
		results = append(results, result)
		s.progress(result)
		if err == nil {
			continue
		}
		died = err
		if s.opts.Start == nil {
			for _, j := range append(open, alone...)[i+1:] {
				results = append(results, s.result(j, NotRun, "the server died"))
			}
			return results, died
		}
		s.stop()
	}
	return results, died
}

// runTogether runs jobs side by side. When the server dies, it returns the
// jobs whose result is not known.
func (s *Suite) runTogether(jobs []job) (results []Result, open []job, died error) {
	type outcome struct {
		job
		Result
		died error
	}
	queue := make(chan job)
	outcomes := make(chan outcome)
	var dead atomic.Bool
	var workers sync.WaitGroup
	for range s.opts.Parallel {
		workers.Go(func() {
			for j := range queue {
				if dead.Load() {
					outcomes <- outcome{job: j, died: errors.New("not run")}
					continue
				}
				result := s.runCase(j)
				var err error
				if result.Status == Failed {
					if err = s.alive(s.server.Endpoints[j.on]); err != nil {
						dead.Store(true)
					}
				}
				outcomes <- outcome{j, result, err}
			}
		})
	}
	go func() {
		for _, j := range jobs {
			queue <- j
		}
		close(queue)
		workers.Wait()
		close(outcomes)
	}()
	for o := range outcomes {
		switch {
		case o.died != nil:
			if died == nil {
				died = o.died
			}
			open = append(open, o.job)
			if s.opts.Start == nil && o.Result.Case != nil {
				results = append(results, o.Result)
				open = open[:len(open)-1]
			}
		default:
			s.progress(o.Result)
			results = append(results, o.Result)
		}
	}
	if died != nil {
		s.stop()
	}
	return results, open, died
}

// runAlone runs a job while nothing else runs. The error says that the server
// died of it.
func (s *Suite) runAlone(j job) (Result, error) {
	if s.opts.Start != nil && (s.instance == nil || j.c.needs("fresh")) {
		if err := s.restart(); err != nil {
			return s.result(j, NotRun, err.Error()), err
		}
	}
	on := s.server.Endpoints[j.on]
	if j.c.needs("empty", "alone", "last", "max-connections", "max-locks") {
		held := s.settle(on)
		if held > 0 && j.c.needs("empty", "max-locks") {
			if s.opts.Start == nil {
				return s.result(j, Skipped, fmt.Sprintf("needs empty tables, and somebody holds %d names", held)), nil
			}
			if err := s.restart(); err != nil {
				return s.result(j, NotRun, err.Error()), err
			}
		}
	}
	result := s.runCase(j)
	if j.c.needs("stop") {
		s.stop()
		return result, nil
	}
	if result.Status == Failed {
		if err := s.alive(s.server.Endpoints[j.on]); err != nil {
			result.Reason = "the server stopped serving: " + err.Error()
			return result, err
		}
	}
	return result, nil
}

func (s *Suite) progress(r Result) {
	if s.opts.Progress != nil {
		s.opts.Progress(r)
	}
}

func (s *Suite) newRun(c *Case, on Endpoint) *run {
	return &run{
		ctx: s.ctx, suite: s, c: c, on: on,
		tag:   s.runID + base36(s.runs.Add(1), 3),
		log:   &transcript{start: time.Now()},
		conns: map[string]*conn{},
	}
}

// runCase runs a case once.
func (s *Suite) runCase(j job) Result {
	r := s.newRun(j.c, s.server.Endpoints[j.on])
	err := r.execute()
	conversation := r.log.events() // without the farewells
	r.part()
	result := s.result(j, Passed, "")
	result.Duration = time.Since(r.log.start)
	var failure *Failure
	var skip errSkip
	switch {
	case err == nil:
	case errors.As(err, &skip):
		result.Status, result.Reason = Skipped, string(skip)
	case errors.As(err, &failure):
		result.Status, result.Failure, result.Conversation = Failed, failure, conversation
	default: // the case could not be carried out
		result.Status, result.Reason = Failed, err.Error()
		result.Failure = &Failure{Expected: "the case to be carried out", Actual: err.Error()}
		result.Conversation = conversation
	}
	return result
}

// base36 writes the last digits of n. Tags of one length cannot be mistaken
// for each other when more is appended to a name.
func base36(n int64, digits int) string {
	text := strings.Repeat("0", digits) + strconv.FormatInt(n, 36)
	return text[len(text)-digits:]
}
