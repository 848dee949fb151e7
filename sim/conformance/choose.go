package conformance

import (
	"fmt"
	"path"
	"slices"

	"lockd/sim/conformance/script"
)

// ErrUsage is the error of Run if Options are wrong.
type ErrUsage struct{ text string }

// Error says what is wrong, and what to do.
func (e *ErrUsage) Error() string { return e.text }

func usageError(format string, args ...any) error { return &ErrUsage{fmt.Sprintf(format, args...)} }

// Choose returns the cases that Run would run, by Level, Run and Skip of the options.
func Choose(opts Options) ([]*script.Case, error) {
	cases := slices.DeleteFunc(Cases(), func(c *script.Case) bool { return c.Level > opts.Level })
	chosen := cases
	if len(opts.Run) > 0 {
		var err error
		if chosen, err = matching(cases, opts.Run); err != nil {
			return nil, err
		}
	}
	skipped, err := matching(cases, opts.Skip)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(chosen, func(c *script.Case) bool { return slices.Contains(skipped, c) }), nil
}

// matching returns the cases that match any of the patterns. A pattern that matches no
// case is an error: otherwise it would look as if all its cases pass.
func matching(cases []*script.Case, patterns []string) ([]*script.Case, error) {
	var matched []*script.Case
	for _, pattern := range patterns {
		found := false
		for _, c := range cases {
			ok, err := path.Match(pattern, c.ID)
			if err != nil {
				return nil, usageError("bad pattern %q: %v", pattern, err)
			}
			found = found || ok
			if ok && !slices.Contains(matched, c) {
				matched = append(matched, c)
			}
		}
		if !found {
			return nil, usageError("no case of the level matches %q: see -list", pattern)
		}
	}
	return matched, nil
}
