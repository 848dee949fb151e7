package main

import (
	"syscall"
	"testing"
	"time"
)

// TestIgnoredInterrupt checks that SIGINT stays ignored if the daemon was started with
// it ignored, as a script's & does.
func TestIgnoredInterrupt(t *testing.T) {
	t.Parallel()
	for script, ends := range map[string]bool{`trap '' INT; exec "$@"`: false, `exec "$@"`: true} {
		d := startLive(t, script, nil)
		d.signal(syscall.SIGINT)
		if ends {
			d.exits(patience)
			continue
		}
		time.Sleep(200 * time.Millisecond)
		if d.ended() {
			t.Errorf("%s: it has ended: %s", script, d.log)
		}
	}
}
