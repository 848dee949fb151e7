package report

import (
	"cmp"
	"slices"
	"time"

	"lockd/sim/conformance/protocol"
)

// Report is the result of a run of the suite.
type Report struct {
	Server  Profile
	Level   protocol.Level // the highest level that was tested
	Started time.Time
	Took    time.Duration
	Results []Result // in the order of the clauses, then of the transports; see Sort
	// Crashes are the times that the server ended by itself.
	Crashes []*Crash
	// Died says why the remaining cases were not run; nil if all were, or if the run was
	// interrupted.
	Died error
}

// Crash is an end of the server that the suite has not caused by stopping it.
type Crash struct {
	How    string   `json:"how"`              // how it was noticed
	Output string   `json:"output,omitempty"` // the end of the server's output
	During []string `json:"during"`           // the cases that were under way, or had just ended
}

// Error implements error.
func (c *Crash) Error() string { return "the server stopped serving: " + c.How }

// Sort puts the results in order.
func (r *Report) Sort() {
	at := func(x Result) int { return slices.Index(r.Server.Endpoints, x.On) }
	slices.SortFunc(r.Results, func(a, b Result) int {
		return cmp.Or(
			cmp.Compare(protocol.Place(a.Cited[0].ID), protocol.Place(b.Cited[0].ID)),
			cmp.Compare(a.ID, b.ID),
			cmp.Compare(at(a), at(b)),
		)
	})
}

// Of returns the results with a status, in order.
func (r *Report) Of(status Status) []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(x Result) bool { return x.Status != status })
}
