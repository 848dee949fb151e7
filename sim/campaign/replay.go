package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lockd/sim/history"
	"lockd/sim/world"
)

// Saved is a piece of evidence that can be played again: a trace of the
// deterministic worlds, a history, or a summary, which has the seed of a layer.
type Saved struct {
	Path string
	What string // what it is, for people

	options world.Options
	trace   []world.Event
	history *history.History
	summary *summary
}

// ErrNoEvidence is wrapped by the errors about files that cannot be played.
var ErrNoEvidence = errors.New("is not evidence that can be played again; give a folder that lockcheck wrote, its summary.json, a trace, or a history")

// ReadSaved reads a piece of evidence, or the summary in a folder. It detects what a
// file is from its contents.
func ReadSaved(path string) (*Saved, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "summary.json")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoEvidence, err)
	}
	s := &Saved{Path: path}
	if strings.HasPrefix(strings.TrimSpace(string(data)), "{") {
		err = s.readJSON(data)
	} else {
		err = s.readTrace(string(data))
	}
	if err != nil {
		return nil, fmt.Errorf("%s %w (%v)", path, ErrNoEvidence, err)
	}
	return s, nil
}

func (s *Saved) readJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	switch {
	case fields["ops"] != nil:
		s.history = new(history.History)
		err := json.Unmarshal(data, s.history)
		s.What = fmt.Sprintf("a history of %d operations", len(s.history.Ops))
		return err
	case fields["layer"] != nil && fields["seed"] != nil:
		s.summary = new(summary)
		if err := json.Unmarshal(data, s.summary); err != nil {
			return err
		}
		s.What = fmt.Sprintf("seed %d of layer %s", s.summary.Seed, s.summary.Layer)
		_, err := s.summary.layer()
		return err
	}
	return errors.New("it has neither ops nor a layer and a seed")
}

func (s *Saved) readTrace(text string) (err error) {
	s.options, s.trace, err = world.ParseEvidence(text)
	if err == nil && len(s.trace) == 0 {
		err = errors.New("it is empty")
	}
	s.What = fmt.Sprintf("a trace of %d events", len(s.trace))
	return err
}

// layer returns the layer of the summary. The layer soak has no name for Named: it
// follows from the address.
func (s *summary) layer() (Layer, error) { return Named(s.Layer, s.Params) }

// Play plays the evidence again. The error is a *Failure if it fails again, or says
// why it cannot be played.
func (s *Saved) Play(ctx context.Context) error {
	var err error
	switch {
	case s.summary != nil:
		return s.playSeed(ctx)
	case s.history != nil:
		s.history.Finish()
		err = s.history.Check()
	default:
		err = world.Replay(s.options, s.trace)
	}
	if err == nil {
		return nil
	}
	if s.history != nil && !errors.As(err, new(*history.Violation)) {
		return fmt.Errorf("%s %w (%v)", s.Path, ErrNoEvidence, err)
	}
	return &Failure{Seed: s.options.Seed, Err: err}
}

func (s *Saved) playSeed(ctx context.Context) error {
	layer, err := s.summary.layer()
	if err != nil {
		return err
	}
	report, err := Run(ctx, layer, Config{Seed: s.summary.Seed, Runs: 1, Workers: 1})
	if report.Failure != nil {
		return report.Failure
	}
	return err
}

// Picture draws the shrunk history of a failure of Play into a file, and returns lines
// about it for people. The default path is beside the history. Evidence that is not a
// history has no picture.
func (s *Saved) Picture(failure *Failure, path string) (notes []string, err error) {
	var violation *history.Violation
	if s.history == nil || !errors.As(failure.Err, &violation) {
		return nil, nil
	}
	if path == "" {
		path = filepath.Join(filepath.Dir(s.Path), "picture.html")
	}
	_, violation = smaller(violation)
	return []string{violation.Verdict(), "picture: " + path}, violation.Picture(path)
}
