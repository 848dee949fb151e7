package mutants

import (
	"fmt"
	"slices"
	"strings"
)

// parse reads the descriptions of the mutants of one source file, up to the first
// mistake.
func parse(file, source, text string) (list []Mutant, err error) {
	r := reader{file: file, lines: strings.Split(text, "\n")}
	for {
		for r.at < len(r.lines) && r.lines[r.at] == "" {
			r.at++
		}
		if r.at == len(r.lines) {
			return list, nil
		}
		m := Mutant{File: source, Place: r.place()}
		if err := r.describe(&m); err != nil {
			return list, err
		}
		list = append(list, m)
	}
}

// reader reads the lines of one file.
type reader struct {
	file  string
	lines []string
	at    int
}

// line is the current line, "" at the end.
func (r *reader) line() string {
	if r.at == len(r.lines) {
		return ""
	}
	return r.lines[r.at]
}

func (r *reader) place() string { return fmt.Sprintf("%s:%d", r.file, r.at+1) }

// wrong returns an error about the current line.
func (r *reader) wrong(format string, args ...any) error {
	return fmt.Errorf("%s: %s", r.place(), fmt.Sprintf(format, args...))
}

// describe reads one description.
func (r *reader) describe(m *Mutant) error {
	for _, f := range []struct {
		key   string
		value *string
	}{{"bug", &m.Name}, {"expected", &m.Expected}, {"why", &m.Why}} {
		value, found := strings.CutPrefix(r.line(), f.key+": ")
		if !found || strings.TrimSpace(value) != value || value == "" {
			return r.wrong(`want "%s: " and a text, got %q`, f.key, r.line())
		}
		if f.key == "expected" && !isLayer(value) {
			return r.wrong("there is no layer %q; choose one of %s", value, strings.Join(layerNames(), ", "))
		}
		*f.value = value
		r.at++
	}
	for ; r.line() != ""; r.at++ {
		switch line := r.line(); line[0] {
		case ' ':
			m.old, m.new = append(m.old, line[1:]), append(m.new, line[1:])
		case '-':
			m.old = append(m.old, line[1:])
		case '+':
			m.new = append(m.new, line[1:])
		default:
			return r.wrong("want a line that begins with a space, '-' or '+', or an empty one before the next bug, got %q", line)
		}
	}
	switch {
	case len(m.old) == 0:
		return fmt.Errorf("%s: %q has no place; write a line of the source with a space or '-' before it", m.Place, m.Name)
	case slices.Equal(m.old, m.new):
		return fmt.Errorf("%s: %q changes nothing; write a line that begins with '-' or '+'", m.Place, m.Name)
	}
	return nil
}
