package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/script"
	"lockd/sim/conformance/transcript"
	"lockd/sim/transport"
)

// Scenario is a part of a case that needs loops and goroutines.
type Scenario = func(*Run) error

// Run is one execution of one case. Scenarios may use it from several goroutines, each
// on connections of its own.
type Run struct {
	Ctx       context.Context
	Subject   *Subject
	Case      *script.Case
	On        transport.Endpoint
	Tag       string // unique to this run; part of every name
	Scenarios map[string]Scenario
	Log       *transcript.Transcript

	mu         sync.Mutex
	conns      map[string]*client.Conn
	order      []*client.Conn
	sentinels  int         // sentinels sent so far
	statistics *Statistics // of a?stats
}

// Execute runs the steps. The error is a *report.Failure, a report.Skip, or says why the
// case could not be executed.
func (r *Run) Execute() error {
	for i := range r.Case.Steps {
		s := &r.Case.Steps[i]
		if err := r.Ctx.Err(); err != nil {
			return err
		}
		if err := r.step(s); err != nil {
			var f *report.Failure
			if errors.As(err, &f) {
				f.Step, f.At = s.Source, s.At
				if c := r.conns[s.Conn]; c != nil && readsLine[s.Verb] {
					f.Asked = string(c.Asked.Last())
				}
			}
			return err
		}
	}
	return nil
}

func (r *Run) step(s *script.Step) error {
	if do := withoutConnection[s.Verb]; do != nil {
		return do(r, s)
	}
	c, err := r.Conn(s.Conn)
	if err != nil {
		return err
	}
	return onConnection[s.Verb](r, c, s)
}

// Leave ends all connections.
func (r *Run) Leave() {
	var wait sync.WaitGroup
	for _, c := range r.order {
		wait.Go(c.Leave)
	}
	wait.Wait()
}

// Name returns a name of a script, made unique to this run.
func (r *Run) Name(word string) string { return word + "-" + r.Tag }

func (r *Run) expand(text string) (string, error) {
	return script.Expand(text,
		func(word string) (string, error) { return r.Name(word), nil },
		func(word string) (string, error) {
			c, err := r.Conn(word)
			if err != nil {
				return "", err
			}
			return r.addr(c)
		})
}

// addr is the address under which the server shows c. The client of a unix connection
// cannot know it, so addr asks the server.
func (r *Run) addr(c *client.Conn) (string, error) {
	if a := c.LocalAddr(); a != "" {
		return a, nil
	}
	line, err := r.Request(c, "me")
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(line, " ")
	addr, _, _ := strings.Cut(rest, " ")
	return addr, nil
}

// Conn returns the connection with a name, and opens it if it is not open.
func (r *Run) Conn(name string) (*client.Conn, error) {
	r.mu.Lock()
	c := r.conns[name]
	r.mu.Unlock()
	if c != nil {
		return c, nil
	}
	return r.Open(name, r.On)
}

// Conns returns the connections with some names, in order, and opens those that are not
// open. It stops at the first that cannot be opened.
func (r *Run) Conns(names ...string) ([]*client.Conn, error) {
	conns := make([]*client.Conn, len(names))
	for i, name := range names {
		c, err := r.Conn(name)
		if err != nil {
			return nil, err
		}
		conns[i] = c
	}
	return conns, nil
}

// Crowd opens n connections.
func (r *Run) Crowd(n int) ([]*client.Conn, error) {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i+1)
	}
	return r.Conns(names...)
}

// Open opens a connection.
func (r *Run) Open(name string, on transport.Endpoint) (*client.Conn, error) {
	c, err := client.Dial(r.Ctx, name, on, r.Log, r.Subject.Timeout)
	if err != nil {
		return nil, report.Failf(err.Error(), "a connection to %s", on)
	}
	r.Log.Note(name, "connects over %s", on.Kind())
	r.Add(c)
	return c, nil
}

// Add adds a connection to the run, so that Leave ends it.
func (r *Run) Add(c *client.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns == nil {
		r.conns = map[string]*client.Conn{}
	}
	r.conns[c.Name] = c
	r.order = append(r.order, c)
}

// live returns the number of connections of the run that have not ended.
func (r *Run) live() int {
	n := 0
	for _, c := range r.order {
		if c.Live() {
			n++
		}
	}
	return n
}

// Each runs do in n goroutines and returns the error with the lowest i, nil if none.
func Each(n int, do func(i int) error) error {
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { errs[i] = do(i) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
