package scenario

import (
	"slices"

	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/report"
)

// statisticsWithAName compares the keys of q NAME with those of q.
func statisticsWithAName(r *engine.Run) error {
	c, err := r.Conn("a")
	if err != nil {
		return err
	}
	plain, err := r.Statistics(c)
	if err != nil {
		return err
	}
	for _, question := range []string{"q other", "q full house", "q Full"} {
		lines, err := r.Answer(c, question)
		if err != nil {
			return err
		}
		if got := engine.ParseStatistics(lines); len(lines) != len(plain.Lines) || !slices.Equal(got.Keys, plain.Keys) {
			return report.Failf(engine.Listing(lines), "the %d lines of \"q\" in answer to %q", len(plain.Lines), question)
		}
	}
	return nil
}
