package report

import (
	"cmp"
	"slices"
	"time"

	"lockd/sim/conformance/protocol"
)

// Report is what a run of the suite found.
type Report struct {
	Server  Profile
	Level   protocol.Level // that was asked for
	Started time.Time
	Took    time.Duration
	Results []Result // in the order of the clauses, then of the transports; see Sort
	// Crashes are the times that the server ended by itself.
	Crashes []*Crash
	// Died says why the rest was not run; nil if all was, or the suite was
	// interrupted.
	Died error
}

// Crash is one end of the server that nobody had asked for.
type Crash struct {
	How    string   `json:"how"`              // it was noticed
	Output string   `json:"output,omitempty"` // the last that the server wrote
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

// Of returns the results with that status, in order.
func (r *Report) Of(status Status) []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(x Result) bool { return x.Status != status })
}
