package main

import (
	"strings"
	"testing"
)

// TestDescriptorLimitWarning checks that the daemon warns at the start if it cannot have
// as many connections as -max-connections allows.
func TestDescriptorLimitWarning(t *testing.T) {
	const warning = "not enough file descriptors"
	for limit, want := range map[string]bool{"60": false, "100": true} {
		d := startLive(t, "ulimit -n 100; exec \"$@\"", nil, "-max-connections", limit)
		if got := strings.Contains(d.log.String(), warning); got != want {
			t.Errorf("-max-connections %s with 100 descriptors: %s", limit, d.log)
		}
	}
}
