package campaign

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lockd/sim/bubble"
	"lockd/sim/world"
)

// shrinkBudget is how long the search for a smaller trace may take.
const shrinkBudget = 20 * time.Second

// mostShown is how many events of a shrunk trace, or operations of a shrunk history,
// are shown to people.
const mostShown = 40

// Layers returns all layers, the cheapest first.
func Layers() []Layer { return []Layer{World(), Loop(), Bubble(), Sockets(0, 0)} }

// World returns the layer in which the deterministic world drives core.Core.
func World() Layer {
	return Layer{Name: "world", Faults: world.Faults(), Enough: 10_000, Open: func(int) (Player, error) { return worldPlayer{world.Draw}, nil }}
}

// Loop returns the layer in which the deterministic world drives the production event
// loops, on a fake kernel.
func Loop() Layer {
	return Layer{Name: "loop", Faults: world.LoopFaults(), Enough: 3000, Open: func(int) (Player, error) { return worldPlayer{world.DrawLoop}, nil }}
}

// Canary returns the layer World with an oracle that is wrong on purpose. It must fail,
// which shows that failures are noticed, shrunk and reported.
func Canary() Layer {
	draw := func(seed uint64) world.Options {
		o := world.Draw(seed)
		o.Canary = true
		return o
	}
	return Layer{Name: "canary", Open: func(int) (Player, error) { return worldPlayer{draw}, nil }}
}

type worldPlayer struct{ draw func(uint64) world.Options }

func (p worldPlayer) Close() error { return nil }

func (p worldPlayer) Play(_ int, seed uint64) (Work, map[string]int64, error) {
	o := p.draw(seed)
	result, err := world.Run(o)
	work := Work{Runs: 1, Steps: result.Steps, Commands: result.Commands, Bytes: result.Bytes}
	if result.History != nil {
		work.Histories = 1
	}
	if err != nil { // and there is no hash of the whole trace
		err = &Failure{seed, err, func(dir string) ([]string, error) { return explain(dir, o) }}
	} else {
		work.Trace = fmt.Sprintf("%x", result.Hash)
	}
	return work, result.Coverage.Map(), err
}

// explain writes the evidence of a failure of the deterministic world.
func explain(dir string, o world.Options) ([]string, error) {
	e, err := world.Explain(o, shrinkBudget)
	if err != nil {
		return []string{err.Error()}, nil
	}
	if err := writeJSON(filepath.Join(dir, "options.json"), o); err != nil {
		return nil, err
	}
	if err := writeTrace(filepath.Join(dir, "trace.txt"), o, e.Failure, e.Trace); err != nil {
		return nil, err
	}
	if e.History != nil {
		if err := e.History.Write(filepath.Join(dir, "history.json")); err != nil {
			return nil, err
		}
	}
	if e.Shrunk == nil {
		notes, err := picture(dir, e.Failure)
		return append([]string{"the trace alone does not fail: only an oracle of the run noticed, see trace.txt"}, notes...), err
	}
	notes := []string{fmt.Sprintf("shrunk from %d commands to %d:", world.Commands(e.Trace), world.Commands(e.Shrunk))}
	var lines []string
	for _, event := range e.Shrunk {
		lines = append(lines, event.String())
	}
	notes = append(notes, firstOf(lines, "shrunk.txt")...)
	notes = append(notes, "  "+firstLine(e.Reason.Error()))
	return notes, writeTrace(filepath.Join(dir, "shrunk.txt"), o, e.Reason, e.Shrunk)
}

func writeTrace(path string, o world.Options, reason error, events []world.Event) error {
	text, err := world.FormatEvidence(o, reason, events)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// Bubble returns the layer of the production server in virtual time.
func Bubble() Layer {
	return Layer{Name: "bubble", Faults: bubble.Faults, Enough: 2000, Open: func(int) (Player, error) { return bubblePlayer{}, nil }}
}

type bubblePlayer struct{}

func (bubblePlayer) Close() error { return nil }

func (bubblePlayer) Play(_ int, seed uint64) (Work, map[string]int64, error) {
	o := bubble.Draw(seed)
	outcome, err := bubble.Run(o)
	return judge(seed, o, outcome.History, outcome.Coverage, err)
}

func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
