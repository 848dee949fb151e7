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
// deterministic worlds, a history, or a summary, which stands for a seed of a layer.
type Saved struct {
	Path string
	What string // what it is, for people

	options world.Options
	trace   []world.Event
	history *history.History
	summary *summary
}

// ErrNoEvidence is wrapped by the errors of files that cannot be played.
var ErrNoEvidence = errors.New("is no evidence that can be played again; want a folder that lockcheck wrote, its summary.json, a trace, or a history")

// ReadSaved reads a piece of evidence, or the summary of a folder. What a file is
// follows from what is in it.
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
	s.What = fmt.Sprintf("a trace of %d operations", len(s.trace))
	return err
}

// layer is what the summary tells of, whose own name is soak at an address.
func (s *summary) layer() (Layer, error) { return Named(s.Layer, s.Given) }

// Play plays the evidence again, a seed once. The error is a *Failure if it is a
// violation, or says why it cannot be played.
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

// Picture draws what matters of a history that was violated when it was played, and
// returns lines about it for people. Other evidence has no picture. The default path
// is beside the history.
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
