package conformance

import (
	"context"
	"errors"
	"strconv"
	"strings"
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

	results map[job]Result
	crashes []*Crash
	died    error // why the rest was not run
}

// Run runs the cases against the server and returns what it found. The error
// is an *ErrUsage, an *ErrUnreachable, or that of ctx or of Options.Start;
// deviations are no error. With the error of ctx there is a report, too, of what was
// run before.
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
	s := &Suite{ctx: ctx, opts: opts, runID: base36(time.Now().UnixMilli(), 4), results: make(map[job]Result)}
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
	s.runAll(chosen)
	return newReport(s, started), ctx.Err()
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
