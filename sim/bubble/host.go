package bubble

import (
	"flag"
	"strconv"
	"testing"
)

// Host lends the bubbles of a program that is no test what synctest.Test wants:
// a running test for each worker.
type Host struct{ tests []*testing.T }

// NewHost starts a test for each of a number of workers. They never end; the
// program does. It may be called once.
func NewHost(workers int) *Host {
	testing.Init()
	flag.CommandLine.Parse(nil)
	flag.Set("test.parallel", strconv.Itoa(workers))
	running := make(chan *testing.T)
	var tests []testing.InternalTest
	for i := range workers {
		tests = append(tests, testing.InternalTest{Name: "worker" + strconv.Itoa(i), F: func(t *testing.T) {
			t.Parallel()
			running <- t
			select {}
		}})
	}
	go testing.Main(func(string, string) (bool, error) { return true, nil }, tests, nil, nil)
	h := &Host{}
	for range workers {
		h.tests = append(h.tests, <-running)
	}
	return h
}

// Run is like the function Run, on one of the workers, numbered from 0.
func (h *Host) Run(worker int, o Options) (Outcome, error) { return Run(h.tests[worker], o) }
