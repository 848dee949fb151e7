package main

import (
	"strings"
	"testing"
)

// TestDescriptorLimitIsSaid checks that a limit of connections that there cannot be is
// said at the start.
func TestDescriptorLimitIsSaid(t *testing.T) {
	const warning = "not enough file descriptors"
	for limit, want := range map[string]bool{"60": false, "100": true} {
		d := startLive(t, "ulimit -n 100; exec \"$@\"", nil, "-max-connections", limit)
		if got := strings.Contains(d.log.String(), warning); got != want {
			t.Errorf("-max-connections %s with 100 descriptors: %s", limit, d.log)
		}
	}
}
