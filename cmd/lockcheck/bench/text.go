package bench

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// WriteText writes a report as tables.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n", r.When.Format("2006-01-02"), r.Machine)
	for _, s := range r.Servers {
		fmt.Fprintf(&b, "%s %s\n", s.Name, s.Version)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "%s\n", note)
	}
	first := r.Servers[0].Name
	for _, c := range r.Cells {
		if len(c.Rounds) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", c.Title())
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintf(t, "  \tcommands/s\t(lowest to highest)\tprocessor\tp50\tp99\tp99.9\t%s is\n", first)
		for _, s := range r.Servers {
			if len(c.Rounds[s.Name]) == 0 {
				continue
			}
			rate, ratio := c.PerSecond(s.Name), ""
			if s.Name != first {
				x := c.Ratio(first, s.Name)
				ratio = fmt.Sprintf("%.2f x (%.2f to %.2f)", x.Median, x.Lowest, x.Highest)
			}
			fmt.Fprintf(t, "  %s\t%s\t(%s to %s)\t%s\t%s\t%s\t%s\t%s\n", s.Name, number(rate.Median), number(rate.Lowest), number(rate.Highest), nanoseconds(c.Processor(s.Name).Median),
				milliseconds(c.Latency(s.Name, 50).Median), milliseconds(c.Latency(s.Name, 99).Median), milliseconds(c.Latency(s.Name, 99.9).Median), ratio)
		}
		t.Flush()
	}
	if len(r.Memory) > 0 {
		fmt.Fprintf(&b, "\nmemory\n")
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintf(t, "  \tempty\ta lock, of a million\tan idle connection, of 10,000\n")
		for _, m := range r.Memory {
			fmt.Fprintf(t, "  %s\t%.1f MiB\t%s\t%s\n", m.Server, m.Empty/(1<<20), bytesOf(m.Lock), bytesOf(m.Connection))
		}
		t.Flush()
	}
	for line := range strings.Lines(b.String()) {
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// number writes a rate with three digits.
func number(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.2f M", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f k", n/1e3)
	}
	return fmt.Sprintf("%.0f", n)
}

func nanoseconds(n float64) string {
	if n == 0 {
		return "?"
	}
	return fmt.Sprintf("%.0f ns", n)
}

func milliseconds(ms float64) string {
	switch {
	case ms < 1:
		return fmt.Sprintf("%.3f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func bytesOf(n float64) string {
	if math.IsNaN(n) {
		return "?"
	}
	return fmt.Sprintf("%.0f B", n)
}
