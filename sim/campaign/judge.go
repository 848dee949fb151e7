package campaign

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"lockd/sim/history"
)

// judge checks the history of a run, and returns a *Failure if that or the run itself
// has failed.
func judge(seed uint64, options any, h *history.History, coverage map[string]int64, err error) (Work, map[string]int64, error) {
	if h == nil {
		if err == nil {
			err = errors.New("the run recorded no history")
		}
		return Work{Runs: 1}, coverage, &Failure{Seed: seed, Err: err}
	}
	work := Work{Runs: 1, Histories: 1, Commands: int64(len(h.Ops))}
	if err == nil {
		var whole bool
		if whole, err = h.Decide(); whole {
			work.Whole = 1
		}
	}
	if err == nil {
		return work, coverage, nil
	}
	return work, coverage, &Failure{seed, err, func(dir string) ([]string, error) {
		if err := writeJSON(filepath.Join(dir, "options.json"), options); err != nil {
			return nil, err
		}
		if err := h.Write(filepath.Join(dir, "history.json")); err != nil {
			return nil, err
		}
		if errors.As(err, new(*history.Violation)) {
			return picture(dir, err)
		}
		// The run itself has failed; the history may show a violation as well.
		whole := *h
		whole.Ops = slices.Clone(h.Ops)
		whole.Finish()
		return picture(dir, whole.Check())
	}}
}

// picture shrinks and draws a violation that porcupine has found.
func picture(dir string, err error) ([]string, error) {
	var violation *history.Violation
	if !errors.As(err, &violation) {
		return nil, nil
	}
	var notes []string
	whole := violation.History()
	small, violation := smaller(violation)
	if small != nil {
		if err := small.Write(filepath.Join(dir, "shrunk.json")); err != nil {
			return nil, err
		}
		notes = append(notes, fmt.Sprintf("shrunk from %d operations to %d:", len(whole.Ops), len(small.Ops)))
		notes = append(notes, firstOf(small.Lines(), "shrunk.json")...)
	}
	path := filepath.Join(dir, "picture.html")
	return append(notes, "  "+violation.Verdict(), "picture: "+path), violation.Picture(path)
}

// smaller shrinks a history that violates the protocol, and returns the smaller history
// and its violation. If there is none, it returns nil and v.
func smaller(v *history.Violation) (*history.History, *history.Violation) {
	small := v.Shrink(shrinkBudget)
	var own *history.Violation
	if small == nil || !errors.As(small.Check(), &own) {
		return nil, v
	}
	return small, own
}

// firstOf returns the first lines of a file, for people.
func firstOf(lines []string, file string) []string {
	var shown []string
	for i, line := range lines {
		if i == mostShown {
			return append(shown, fmt.Sprintf("  ... and %d more, see %s", len(lines)-i, file))
		}
		shown = append(shown, "  "+line)
	}
	return shown
}
