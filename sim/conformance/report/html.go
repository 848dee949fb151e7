package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/transcript"
)

//go:embed report.html
var pageText string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"code":  codeSpans,
	"ms":    func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) },
	"arrow": func(kind string) string { return map[string]string{"sent": "→", "received": "←"}[kind] },
	"class": func(s Status) string { return strings.ReplaceAll(string(s), " ", "-") },
	"quote": func(s string) string { return transcript.Quote([]byte(s)) },
	"lines": func(s string) []string { return strings.Split(s, "\n") },
}).Parse(pageText))

// codeSpans turns the backquotes of the protocol text into code elements.
func codeSpans(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String())
}

// section is the results under one clause.
type section struct {
	Clause  protocol.Clause
	Results []Result
	Failed  int
	Passed  int
}

// chapter is the sections of one chapter of docs/protocol.md.
type chapter struct {
	Title    string
	Sections []section
}

func (r *Report) chapters() []chapter {
	var chapters []chapter
	for _, result := range r.Results {
		clause := result.Cited[0]
		if n := len(chapters); n == 0 || chapters[n-1].Title != clause.Chapter {
			chapters = append(chapters, chapter{Title: clause.Chapter})
		}
		c := &chapters[len(chapters)-1]
		if n := len(c.Sections); n == 0 || c.Sections[n-1].Clause.ID != clause.ID {
			c.Sections = append(c.Sections, section{Clause: clause})
		}
		s := &c.Sections[len(c.Sections)-1]
		s.Results = append(s.Results, result)
		switch result.Status {
		case Failed:
			s.Failed++
		case Passed:
			s.Passed++
		}
	}
	return chapters
}

// WriteHTML writes the report as an HTML page without external resources.
func (r *Report) WriteHTML(w io.Writer) error {
	return page.Execute(w, map[string]any{
		"Report":   r,
		"Server":   r.Server.describe(),
		"Failed":   r.Of(Failed),
		"Simplest": r.simplest(), "Beginning": r.beginning(),
		"Chapters": r.chapters(),
	})
}
