package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"lockd/sim/conformance/transcript"
)

// WriteText writes the report as text: the failed cases under their clauses, the skipped
// cases by reason, the server, a summary for each level and, as the last line, the
// verdict. colour uses the escape codes of terminals.
func (r *Report) WriteText(w io.Writer, colour bool) error {
	p := &printer{w: w, colour: colour}
	p.failures(r)
	p.skipped(r)
	p.printf("%s\n", p.bold("Server"))
	for _, line := range r.Server.describe() {
		p.printf("  %s\n", line)
	}
	p.printf("\n%s\n", p.bold("Summary"))
	for _, t := range r.Tallies() {
		p.printf("  %-8s  %3d passed  %3d failed  %3d skipped", t.Level, t.Passed, t.Failed, t.Skipped)
		if t.NotRun > 0 {
			p.printf("  %3d not run", t.NotRun)
		}
		p.printf("\n")
	}
	p.printf("  took %v\n", r.Took.Round(10*time.Millisecond))
	if simplest := r.simplest(); simplest != nil {
		var ids []string
		for _, result := range simplest {
			ids = append(ids, result.ID)
		}
		p.printf("\nBegin with %s: -run %s\n", r.beginning(), strings.Join(ids, ","))
	}
	if r.Died != nil {
		p.printf("\n%s\n", p.red("The server stopped serving: "+r.Died.Error()))
	}
	p.printf("\n%s\n", p.bold(r.Verdict()))
	return p.err
}

type printer struct {
	w      io.Writer
	colour bool
	err    error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) style(code, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *printer) bold(text string) string  { return p.style("1", text) }
func (p *printer) red(text string) string   { return p.style("31", text) }
func (p *printer) green(text string) string { return p.style("32", text) }
func (p *printer) faint(text string) string { return p.style("2", text) }

// failures shows the failed results, core first; of those that seem to have one cause, one
// is shown in full.
func (p *printer) failures(r *Report) {
	for _, g := range r.groups() {
		first := g[0]
		cited := first.Cited[0]
		p.printf("%s %s\n", p.bold(fmt.Sprintf("%s (%s)", cited.ID, cited.Level)), p.faint("docs/protocol.md, "+cited.Chapter))
		p.block("  ", cited.Text)
		p.printf("\n")
		p.failure(&first)
		if others := g[1:]; len(others) > 0 {
			p.printf("  %s the same, perhaps for the same reason:\n", p.red(fmt.Sprintf("and %d more", len(others))))
			for _, o := range others {
				p.printf("    %-10s %s over %s\n", o.Cited[0].ID, o.ID, o.On.Kind())
			}
			p.printf("\n")
		}
	}
}

func (p *printer) failure(r *Result) {
	p.printf("  %s %s over %s\n", p.red("FAIL"), p.bold(r.ID), r.On.Kind())
	p.block("    ", r.Title)
	if len(r.Cited) > 1 {
		for _, c := range r.Cited[1:] {
			p.block("    ", "also "+c.ID+": "+c.Text)
		}
	}
	if r.Failure.Asked != "" {
		p.field("asked", transcript.Quote([]byte(r.Failure.Asked)), func(s string) string { return s })
	}
	p.field("expected", r.Failure.Expected, p.green)
	p.field("but got", r.Failure.Actual, p.red)
	if r.Failure.Step != "" {
		p.field("at step", fmt.Sprintf("%s   (%s)", r.Failure.Step, r.Failure.At), p.faint)
	}
	if hint := r.Advice(); hint != "" {
		p.field("hint", hint, func(s string) string { return s })
	}
	if r.Reason != "" {
		p.field("note", r.Reason, p.red)
	}
	if len(r.Conversation) > 0 {
		p.printf("    conversation, in ms since its start:\n")
	}
	for _, e := range r.Conversation {
		p.printf("    %s\n", entryLine(e))
	}
	p.printf("\n")
}

var arrows = map[string]string{"sent": "-->", "received": "<--", "note": "   "}

// entryLine shows an entry; of many lines only the first.
func entryLine(e transcript.Entry) string {
	const most = 12
	lines := strings.Split(e.Text, "\n")
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], fmt.Sprintf("... %d lines more", len(lines)-most+1))
	}
	text := strings.Join(lines, "\n"+strings.Repeat(" ", 24))
	return fmt.Sprintf("%9.1f  %-8s %s %s", float64(e.At.Microseconds())/1000, e.Conn, arrows[e.Kind], text)
}

// field shows a labelled text of one or more lines.
func (p *printer) field(label, text string, style func(string) string) {
	for line := range strings.SplitSeq(text, "\n") {
		p.printf("    %-9s %s\n", label, style(line))
		label = ""
	}
}

// block wraps a text at word boundaries.
func (p *printer) block(indent, text string) {
	const width = 88
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) > width && line != indent {
			p.printf("%s\n", strings.TrimRight(line, " "))
			line = indent
		}
		line += word + " "
	}
	p.printf("%s\n", strings.TrimRight(line, " "))
}

// skipped counts the skipped cases by reason.
func (p *printer) skipped(r *Report) {
	reasons := r.reasons()
	if reasons == nil {
		return
	}
	p.printf("%s %s\n", p.bold("Skipped"), p.faint("(neither passed nor failed)"))
	for _, x := range reasons {
		p.printf("  %3d  %s\n", x.count, x.text)
	}
	p.printf("\n")
}
