package world

import (
	"bytes"
	"strings"

	"lockd/server/core"
)

// countServed notes in the coverage how waits for locks have ended.
func countServed(o Options, served []core.Resumed, coverage *Coverage) {
	granted, timedOut := false, false
	for _, r := range served {
		_, text, _ := strings.Cut(string(r.Reply[:min(len(r.Reply), 30)]), " ")
		switch {
		case strings.HasPrefix(text, "Wait Timeout"):
			coverage[WaitTimedOut]++
			timedOut = true
		case strings.HasPrefix(text, "Wait Cancelled"):
			coverage[WaitCancelled]++
		case bytes.HasPrefix(r.Reply, limitReached):
			coverage[WaitLimited]++
		default:
			coverage[GrantAfterWait]++
			granted = true
		}
	}
	if granted && timedOut {
		coverage[TimeoutInTheInstantOfAGrant]++
	}
	if o.ServePiece > 0 && len(served) == o.ServePiece {
		coverage[ServedInPieces]++
	}
}
