package conformance

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lockd/sim/conformance/cases"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/process"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/scenario"
	"lockd/sim/conformance/script"
	"lockd/sim/conformance/transcript"
	"lockd/sim/transport"
)

// Options say which server to test and how.
type Options struct {
	// Endpoints are the addresses of the server. Every case is run on each. The
	// endpoints of the Instance that Start returns replace them.
	Endpoints []transport.Endpoint
	// Start starts the server to be tested; nil if it is running already.
	Start func(context.Context) (*process.Instance, error)
	// Dialect is the dialect of the server; empty: it is detected.
	Dialect protocol.Dialect
	// Level is the highest level whose cases are run.
	Level protocol.Level
	// Run selects cases by id or by shell pattern; empty: all.
	Run []string
	// Skip excludes cases, by id or by shell pattern.
	Skip []string
	// Timeout is how long one reply may take; 0: DefaultTimeout.
	Timeout time.Duration
	// Parallel is how many cases run at once; 0: DefaultParallel.
	Parallel int
	// MaxLine is the server's limit of a line, in bytes; 0: that of BAD-3.
	MaxLine int
	// MaxConnections and MaxLocks are the server's limits; 0: unknown, and the cases
	// about the limit are skipped.
	MaxConnections, MaxLocks int
	// Progress, if not nil, is called after every case, from one goroutine at a time.
	Progress func(report.Result)
}

// Defaults of Options.
const (
	DefaultTimeout  = 2 * time.Second
	DefaultParallel = 16
	defaultMaxLine  = 65536 // [BAD-3]
)

// withDefaults replaces zero values by defaults.
func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Parallel == 0 {
		o.Parallel = DefaultParallel
	}
	if o.MaxConnections > 0 || o.MaxLocks > 0 {
		o.Parallel = 1 // concurrent cases could exceed the limit
	}
	if o.MaxLine == 0 {
		o.MaxLine = defaultMaxLine
	}
	return o
}

// Cases returns all cases, in the order of their clauses in docs/protocol.md.
// It panics if a script is malformed; a test checks that none is.
func Cases() []*script.Case { return slices.Clone(allCases()) }

var allCases = sync.OnceValue(func() []*script.Case {
	all, err := script.Load(cases.Files)
	if err != nil {
		panic(err)
	}
	return all
})

// suite is one run of the cases against one server.
type suite struct {
	ctx      context.Context
	opts     Options
	server   engine.Subject
	instance *process.Instance // nil: not started by the suite, or ended
	runID    string
	runs     atomic.Int64

	results map[job]report.Result
	crashes []*report.Crash
	died    error // why the remaining cases were not run
}

// Run runs the cases against the server and returns a report. The error is an
// *ErrUsage, an *ErrUnreachable, or that of ctx or of Options.Start; deviations are not
// errors. With the error of ctx it also returns a report of the cases run before.
func Run(ctx context.Context, opts Options) (*report.Report, error) {
	opts = opts.withDefaults()
	chosen, err := Choose(opts)
	if err != nil {
		return nil, err
	}
	s := &suite{ctx: ctx, opts: opts, runID: base36(time.Now().UnixMilli(), 4), results: make(map[job]report.Result)}
	s.server = engine.Subject{Timeout: opts.Timeout, MaxLine: opts.MaxLine, MaxConnections: opts.MaxConnections, MaxLocks: opts.MaxLocks}
	s.server.Endpoints = opts.Endpoints
	started := time.Now()
	defer s.stop()
	if err := s.restart(); err != nil {
		return nil, err
	}
	if len(s.server.Endpoints) == 0 {
		return nil, usageError("no address to test: give at least one")
	}
	if err := s.detect(); err != nil {
		return nil, err
	}
	s.runAll(chosen)
	return s.report(started), ctx.Err()
}

func (s *suite) report(started time.Time) *report.Report {
	r := &report.Report{
		Server: s.server.Profile, Level: s.opts.Level, Started: started, Took: time.Since(started),
		Crashes: s.crashes, Died: s.died,
	}
	for _, result := range s.results {
		r.Results = append(r.Results, result)
	}
	r.Sort()
	return r
}

func (s *suite) newRun(c *script.Case, on transport.Endpoint) *engine.Run {
	return &engine.Run{
		Ctx: s.ctx, Subject: &s.server, Case: c, On: on,
		Tag:       s.runID + base36(s.runs.Add(1), 3),
		Scenarios: scenario.All,
		Log:       transcript.New(),
	}
}

// runCase runs a case once.
func (s *suite) runCase(j job) report.Result {
	r := s.newRun(j.c, s.server.Endpoints[j.on])
	err := r.Execute()
	conversation := r.Log.Entries()
	r.Leave()
	result := s.result(j, report.Passed, "")
	result.Duration = r.Log.Took()
	var failure *report.Failure
	var skip report.Skip
	switch {
	case err == nil:
	case errors.As(err, &skip):
		result.Status, result.Reason = report.Skipped, string(skip)
	case errors.As(err, &failure):
		result.Status, result.Failure, result.Conversation = report.Failed, failure, conversation
	default: // the case could not be executed
		result.Status, result.Reason = report.Failed, err.Error()
		result.Failure = &report.Failure{Expected: "the case to be executed", Actual: err.Error()}
		result.Conversation = conversation
	}
	return result
}

func (s *suite) result(j job, status report.Status, reason string) report.Result {
	return report.Result{
		Case: j.c, On: s.server.Endpoints[j.on], Cited: j.c.ClausesIn(s.server.Dialect),
		Status: status, Reason: reason,
	}
}

// base36 writes the last digits of n. All tags have the same length, so that they cannot
// be confused when more is appended to a name.
func base36(n int64, digits int) string {
	text := strings.Repeat("0", digits) + strconv.FormatInt(n, 36)
	return text[len(text)-digits:]
}
