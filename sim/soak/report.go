package soak

import (
	"fmt"
	"strings"
	"time"

	"lockd/sim/campaign"
	"lockd/sim/transport"
)

// Report is what a soak has measured, and its verdict.
type Report struct {
	Waits       Waits
	Samples     []Sample // in order
	Missed      int      // samples that could not be taken
	First, Last Sample   // before the first client, and when all have left
	Raids       map[string]*Tally
	Crowd       []campaign.Report // of the histories that are wrong
	Wrong       []error           // what honest clients were answered, or not
	Broken      []string          // everything that was wrong or out of bounds
	Interrupted bool

	options Options
	began   time.Time
	crowds  map[transport.Endpoint]campaign.Report // so far
}

// progress notes how far a crowd has come.
func (r *Report) progress(e transport.Endpoint, so campaign.Report) {
	if r.crowds == nil {
		r.crowds = map[transport.Endpoint]campaign.Report{}
	}
	r.crowds[e] = so
}

// count adds a raid.
func (r *Report) count(name string, t *Tally) {
	total := r.Raids[name]
	if total == nil {
		total = new(Tally)
		r.Raids[name] = total
	}
	total.Raids++
	total.Connections += t.Connections
	if t.Failed != nil {
		total.Failed = t.Failed
	}
}

// Histories returns how many histories were checked.
func (r *Report) Histories() (n int64) {
	for _, c := range r.crowds {
		n += c.Work.Histories
	}
	return n
}

// commands returns how many commands are in the histories.
func (r *Report) commands() (n int64) {
	for _, c := range r.crowds {
		n += c.Work.Commands
	}
	return n
}

// raids returns how many raids were made, and how many connections.
func (r *Report) raids() (raids, connections int) {
	for _, t := range r.Raids {
		raids += t.Raids
		connections += t.Connections
	}
	return raids, connections
}

// Line is a line of progress.
func (r *Report) Line() string {
	raids, connections := r.raids()
	var s Sample
	if len(r.Samples) > 0 {
		s = r.Samples[len(r.Samples)-1]
	}
	return fmt.Sprintf("%6s  %d answers, p99 %s, longest %s; %d histories; %d raids, %d connections; memory %.0f MiB, %.0f descriptors, %.0f goroutines",
		time.Since(r.began).Round(time.Second), r.Waits.Answers.Count(), ms(r.Waits.Answers.Percentile(99)), ms(r.Waits.Answers.Percentile(100)),
		r.Histories(), raids, connections, s.Memory/mib, s.Descriptors, s.Goroutines)
}

// String is the whole report but for the verdict.
func (r *Report) String() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-20s %s\n", name, fmt.Sprintf(format, args...))
	}
	bounds := r.options.Bounds
	line("answers", "%d: %v; at most p99 %s, longest %s", r.Waits.Answers.Count(), &r.Waits.Answers, ms(bounds.P99), ms(bounds.Longest))
	line("grants after a wait", "%d: %v; the same bounds", r.Waits.Grants.Count(), &r.Waits.Grants)
	line("lists", "%d: %v", r.Waits.Lists.Count(), &r.Waits.Lists)
	line("this process", "late by %v", &r.Waits.Checker)
	line("histories", "%d checked, %d commands", r.Histories(), r.commands())
	for _, k := range kinds {
		if t := r.Raids[k.name]; t != nil {
			failed := ""
			if t.Failed != nil {
				failed = fmt.Sprintf("; some were refused: %v", t.Failed)
			}
			line(k.name, "%d raids, %d connections%s", t.Raids, t.Connections, failed)
		}
	}
	line("samples", "%d, and %d missed", len(r.Samples), r.Missed)
	for _, c := range r.growth() {
		line(c.name, "%v", c)
	}
	if r.Last != (Sample{}) {
		for _, c := range r.ends() {
			line(c.name, "%v", c)
		}
		line("resident memory", "%.1f MiB, then %.1f", r.First.Memory/mib, r.Last.Memory/mib)
	}
	return b.String()
}

// RaidNames lists the kinds of raids, for a help text.
func RaidNames() string {
	var b strings.Builder
	for _, k := range kinds {
		fmt.Fprintf(&b, "  %-15s %s\n", k.name, k.about)
	}
	return b.String()
}
