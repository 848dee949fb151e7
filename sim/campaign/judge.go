package campaign

import (
	"errors"
	"path/filepath"

	"lockd/sim/history"
)

// judge checks a history, and makes a failure of what is wrong with it.
func judge(seed uint64, options any, h *history.History, coverage map[string]int64, err error) (Work, map[string]int64, error) {
	if h == nil {
		if err == nil {
			err = errors.New("the run left no history")
		}
		return Work{Runs: 1}, coverage, &Failure{Seed: seed, Err: err}
	}
	work := Work{Runs: 1, Histories: 1, Commands: int64(len(h.Ops))}
	if err == nil {
		err = h.Check()
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
		return picture(dir, err)
	}}
}

// picture draws a violation that porcupine has found.
func picture(dir string, err error) ([]string, error) {
	var violation *history.Violation
	if !errors.As(err, &violation) {
		return nil, nil
	}
	path := filepath.Join(dir, "picture.html")
	return []string{"picture: " + path}, violation.Picture(path)
}
