package scenario

import (
	"slices"
	"strings"

	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/report"
)

// version checks the reply to v [VERSION-1].
func version(r *engine.Run) error { return versionOf(r, "v") }

func versionWithAName(r *engine.Run) error { return versionOf(r, "v 2 of this") }

// features are those that a server may have.
var features = []string{"wait", "bound", "token", "list", "kill"}

func versionOf(r *engine.Run, line string) error {
	c, err := r.Conn("a")
	if err != nil {
		return err
	}
	lines, err := r.Answer(c, line)
	if err != nil {
		return err
	}
	if len(lines) != 1 {
		return report.Failf(engine.Listing(lines), "one line")
	}
	words := strings.Fields(lines[0])
	if len(words) < 3 || words[0] != "1" || words[1] != "lockd" {
		return report.Failf(lines[0], "a line 1 lockd VERSION FEATURE…")
	}
	for _, feature := range words[3:] {
		if !slices.Contains(features, feature) {
			return report.Failf(lines[0], "features of the list %v", features)
		}
	}
	for _, command := range []string{"wait", "bound", "token"} {
		if !slices.Contains(words[3:], command) {
			return report.Failf(lines[0], "the feature %s", command)
		}
	}
	return nil
}
