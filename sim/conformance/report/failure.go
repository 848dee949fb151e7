package report

import "fmt"

// Failure is why a server failed a case.
type Failure struct {
	Step     string `json:"step"`               // as written in the script
	At       string `json:"at"`                 // file:line of the step
	Asked    string `json:"asked,omitempty"`    // the command whose reply was wrong; empty if it is not one command
	Expected string `json:"expected,omitempty"` // what the protocol requires
	Actual   string `json:"actual,omitempty"`   // what happened
}

// Error returns Expected and Actual in one line.
func (f *Failure) Error() string { return fmt.Sprintf("expected %s; got %s", f.Expected, f.Actual) }

// Failf returns a Failure without a step, which Run.Execute of package engine adds.
func Failf(actual, expected string, args ...any) error {
	return &Failure{Expected: fmt.Sprintf(expected, args...), Actual: actual}
}

// Skip is the error of a case that turns out not to apply to the server.
type Skip string

// Error returns the reason.
func (e Skip) Error() string { return string(e) }
