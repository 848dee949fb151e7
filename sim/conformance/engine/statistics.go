package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/script"
)

// Statistics is the answer to one q.
type Statistics struct {
	Keys      []string // in order
	Figures   map[string]int
	Lines     []string
	sentinels int // sent before the q
}

// Connections is the figure of open connections, whose key depends on the dialect.
func (s *Statistics) Connections() int { return s.Figures["connections"] + s.Figures["conns"] }

// Held is how many names are held, in both tables.
func (s *Statistics) Held() int { return s.Figures["locks"] + s.Figures["shared_locks"] }

var (
	glockdFigure  = regexp.MustCompile(`^(\w+): ([0-9]+)$`)
	classicFigure = regexp.MustCompile(`^    \[(\w+)\] => ([0-9]+)$`)
	figure        = regexp.MustCompile(`^(\w+: |    \[\w+\] => )[0-9]+$`)
)

// ParseStatistics parses the lines that answer q. It ignores lines that are not figures,
// so that only the cases about the form of statistics fail because of them.
func ParseStatistics(lines []string) *Statistics {
	s := &Statistics{Figures: map[string]int{}, Lines: lines}
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
		s.Keys = append(s.Keys, m[1])
		s.Figures[m[1]] = n
	}
	return s
}

// Statistics sends q and returns the answer.
func (r *Run) Statistics(c *client.Conn) (*Statistics, error) {
	before := r.sentinels
	r.leaveGap(c)
	lines, err := r.Answer(c, "q")
	if err != nil {
		return nil, err
	}
	s := ParseStatistics(lines)
	s.sentinels = before
	if len(s.Keys) == 0 {
		return nil, report.Failf(Listing(lines), "lines of statistics")
	}
	return s, nil
}

// askStatistics is a?stats. If the case runs alone it waits, up to patience, until only
// its own connections are left, so that the end of another does not change the
// differences.
func askStatistics(r *Run, c *client.Conn, _ *script.Step) (err error) {
	const patience = 300 * time.Millisecond
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if r.statistics, err = r.Statistics(c); err != nil {
			return err
		}
		if r.statistics.Connections() == r.live() || !r.Case.Alone() || time.Now().After(deadline) {
			return nil
		}
	}
}

// askDelta is a?delta KEY=N …. It compares with the figures of a?stats, and keeps those.
func askDelta(r *Run, c *client.Conn, s *script.Step) error {
	now, err := r.Statistics(c)
	if err != nil {
		return err
	}
	var wrong, right []string
	for _, word := range strings.Fields(s.Arg) {
		key, number, _ := strings.Cut(word, "=")
		want, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("%q is not KEY=N", word)
		}
		value, ok := now.Figures[key]
		if !ok {
			wrong = append(wrong, "no line for "+key)
			right = append(right, key)
			continue
		}
		change := value - r.statistics.Figures[key]
		if key == "command_i" || key == "commands" {
			change -= now.sentinels - r.statistics.sentinels // the suite's own
		}
		if change != want {
			wrong = append(wrong, fmt.Sprintf("%s %+d (%d → %d)", key, change, r.statistics.Figures[key], value))
			right = append(right, fmt.Sprintf("%s %+d", key, want))
		}
	}
	if wrong == nil {
		return nil
	}
	return report.Failf(strings.Join(wrong, ", "), "since the figures before: %s", strings.Join(right, ", "))
}

// eventuallyDelta is a~delta KEY=N ….
func eventuallyDelta(r *Run, c *client.Conn, s *script.Step) error {
	return r.Poll(func() error { return askDelta(r, c, s) })
}

// askKeys is a?keys KEY …. A key in parentheses may be missing.
func askKeys(r *Run, c *client.Conn, s *script.Step) error {
	now, err := r.Statistics(c)
	if err != nil {
		return err
	}
	var want []string
	for _, key := range strings.Fields(s.Arg) {
		bare := strings.Trim(key, "()")
		if _, shown := now.Figures[bare]; shown || bare == key {
			want = append(want, bare)
		}
	}
	if !slices.Equal(now.Keys, want) {
		return report.Failf(strings.Join(now.Keys, " "), "the keys %s", strings.Join(want, " "))
	}
	frame := 0 // lines of print_r around the figures
	if r.Subject.Dialect == protocol.Classic {
		frame = 3
	}
	if len(now.Lines) != len(want)+frame {
		return report.Failf(Listing(now.Lines), "%d lines", len(want)+frame)
	}
	return nil
}
