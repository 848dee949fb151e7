package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// snapshot is what one q answered.
type snapshot struct {
	keys      []string
	figures   map[string]int
	lines     []string
	sentinels int // sent before the q
}

var (
	glockdFigure  = regexp.MustCompile(`^(\w+): ([0-9]+)$`)
	classicFigure = regexp.MustCompile(`^    \[(\w+)\] => ([0-9]+)$`)
	figure        = regexp.MustCompile(`^(\w+: |    \[\w+\] => )[0-9]+$`)
)

// parseStats reads the lines that answer q. Lines that are no figures are
// passed over, so that other cases than those about the form still work.
func parseStats(lines []string) *snapshot {
	s := &snapshot{figures: map[string]int{}, lines: lines}
	for _, line := range lines {
		m := glockdFigure.FindStringSubmatch(line)
		if m == nil {
			m = classicFigure.FindStringSubmatch(line)
		}
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		s.keys = append(s.keys, m[1])
		s.figures[m[1]] = n
	}
	return s
}

func (r *run) snapshot(c *conn) (*snapshot, error) {
	before := r.sentinels
	r.leaveGap(c)
	if err := r.broken(c, c.send([]byte("q\n"), packet)); err != nil {
		return nil, err
	}
	lines, err := r.untilSentinel(c)
	if err != nil {
		return nil, err
	}
	s := parseStats(lines)
	s.sentinels = before
	if len(s.keys) == 0 {
		return nil, failf(listing(lines), "lines of statistics")
	}
	return s, nil
}

// askStats is a?stats. It waits for a moment until only this case's connections
// are left, so that the end of an earlier one does not show in the differences.
func (r *run) askStats(s *step) error {
	const patience = 300 * time.Millisecond
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if r.stats, err = r.snapshot(c); err != nil {
			return err
		}
		live := r.stats.figures["connections"] + r.stats.figures["conns"]
		if live == r.live() || !r.c.alone() || time.Now().After(deadline) {
			return nil
		}
	}
}

// live counts the connections of this case that have not ended.
func (r *run) live() int {
	n := 0
	for _, c := range r.order {
		if c.live() {
			n++
		}
	}
	return n
}

// askDelta is a?delta KEY=N …. The figures stay those of a?stats.
func (r *run) askDelta(s *step) error {
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	now, err := r.snapshot(c)
	if err != nil {
		return err
	}
	var wrong, right []string
	for _, word := range strings.Fields(s.arg) {
		key, number, _ := strings.Cut(word, "=")
		want, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("%q is not KEY=N", word)
		}
		value, ok := now.figures[key]
		if !ok {
			wrong = append(wrong, "no line for "+key)
			right = append(right, key)
			continue
		}
		change := value - r.stats.figures[key]
		if key == "command_i" || key == "commands" {
			change -= now.sentinels - r.stats.sentinels // the suite's own
		}
		if change != want {
			wrong = append(wrong, fmt.Sprintf("%s %+d (%d → %d)", key, change, r.stats.figures[key], value))
			right = append(right, fmt.Sprintf("%s %+d", key, want))
		}
	}
	if wrong == nil {
		return nil
	}
	return failf(strings.Join(wrong, ", "), "since the figures before: %s", strings.Join(right, ", "))
}

// eventuallyDelta is a~delta KEY=N ….
func (r *run) eventuallyDelta(s *step) error {
	return r.poll(func() error { return r.askDelta(s) })
}

// askKeys is a?keys KEY …. A key in parentheses may be missing.
func (r *run) askKeys(s *step) error {
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	now, err := r.snapshot(c)
	if err != nil {
		return err
	}
	var want []string
	for _, key := range strings.Fields(s.arg) {
		bare := strings.Trim(key, "()")
		if _, shown := now.figures[bare]; shown || bare == key {
			want = append(want, bare)
		}
	}
	if !slices.Equal(now.keys, want) {
		return failf(strings.Join(now.keys, " "), "the keys %s", strings.Join(want, " "))
	}
	frame := 0 // lines of print_r around the figures
	if r.suite.server.Dialect == Classic {
		frame = 3
	}
	if len(now.lines) != len(want)+frame {
		return failf(listing(now.lines), "%d lines", len(want)+frame)
	}
	return nil
}
