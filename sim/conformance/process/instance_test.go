package process

import (
	"testing"
	"time"
)

// TestHasExited waits for servers of which nothing is known as for others.
func TestHasExited(t *testing.T) {
	exited := make(chan struct{})
	const pause = 20 * time.Millisecond
	for name, i := range map[string]*Instance{"running": {Exited: exited}, "unknown": {}} {
		began := time.Now()
		if i.HasExited(pause) || time.Since(began) < pause {
			t.Errorf("%s: it is said to have exited, or was not waited for", name)
		}
	}
	close(exited)
	if i := (&Instance{Exited: exited}); !i.HasExited(0) {
		t.Error("an end is not noticed at once")
	}
	if (*Instance)(nil).HasExited(time.Hour) {
		t.Error("no instance has exited")
	}
}
