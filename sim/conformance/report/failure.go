package report

import "fmt"

// Failure is why a server failed a case.
type Failure struct {
	Step     string `json:"step"`               // as written in the script
	At       string `json:"at"`                 // file:line of the step
	Asked    string `json:"asked,omitempty"`    // the command whose answer it is about, if that is one
	Expected string `json:"expected,omitempty"` // what the protocol wants here
	Actual   string `json:"actual,omitempty"`   // what happened
}

// Error returns both on one line.
func (f *Failure) Error() string { return fmt.Sprintf("expected %s; got %s", f.Expected, f.Actual) }

// Failf makes a failure; the step is added by whoever runs the case.
func Failf(actual, expected string, args ...any) error {
	return &Failure{Expected: fmt.Sprintf(expected, args...), Actual: actual}
}

// Skip is the error of a case that turns out not to be testable.
type Skip string

// Error is the reason.
func (e Skip) Error() string { return string(e) }
