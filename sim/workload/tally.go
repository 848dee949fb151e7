package workload

import (
	"slices"
	"sync"

	"lockd/sim/history"
)

// counted are the commands whose figures are checked.
var counted = [...]string{
	history.Get, history.Release, history.Inspect, history.GetShared, history.ReleaseShared,
	history.InspectShared, history.Statistics, history.Dump, "me",
}

// counts has one figure for each command of counted.
type counts [len(counted)]int

func (c *counts) add(command string) {
	if command == history.DumpShared {
		command = history.Dump
	}
	if i := slices.Index(counted[:], command); i >= 0 {
		c[i]++
	}
}

// tally counts the commands of a run: the server has executed at least the answered and
// at most the sent ones [STATS-3]. It is safe for concurrent use.
type tally struct {
	mu             sync.Mutex
	sent, answered counts
}

func (t *tally) send(command string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent.add(command)
}

func (t *tally) answer(command string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answered.add(command)
}

// floor returns how many commands the server must have executed by now.
func (t *tally) floor() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.answered
}

// check checks the figures of a q: the server has executed at least floor, and at most
// the commands sent by now. base is what q showed before the run.
func (t *tally) check(figures, base map[string]uint64, floor counts) error {
	t.mu.Lock()
	ceiling := t.sent
	t.mu.Unlock()
	for i, command := range counted {
		key := "command_" + command
		n := int(figures[key] - base[key])
		if n < floor[i] || n > ceiling[i] {
			return protocolError("statistics show %s: %d, but %d were sent and %d had been answered before", key, n, ceiling[i], floor[i])
		}
	}
	return nil
}
