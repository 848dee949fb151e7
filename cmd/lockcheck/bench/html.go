package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
)

//go:embed report.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"number": number, "nanoseconds": nanoseconds, "milliseconds": milliseconds, "bytes": bytesOf,
	"mebibytes": func(n float64) string { return fmt.Sprintf("%.1f MiB", n/(1<<20)) },
	"half":      func(a int) int { return a / 2 },
}).Parse(pageText))

// row is a server in the table of a cell.
type row struct {
	Server                    int
	Name                      string
	Rate                      Spread
	Processor, P50, P99, P999 float64
	Ratio                     Spread // of the first server's rate to this one's
	Compared                  bool
}

// section is a cell on the page.
type section struct {
	Title     string
	Rows      []row
	Latencies chart
}

// WriteHTML writes a report as a page with plots, which needs nothing else.
func (r Report) WriteHTML(w io.Writer) error {
	var sections []section
	for _, c := range r.Cells {
		if len(c.Rounds) == 0 {
			continue
		}
		s := section{Title: c.Title(), Latencies: r.latencies(c)}
		for j, server := range r.Servers {
			if len(c.Rounds[server.Name]) == 0 {
				continue
			}
			s.Rows = append(s.Rows, row{
				Server: j, Name: server.Name, Rate: c.PerSecond(server.Name), Processor: c.Processor(server.Name).Median,
				P50: c.Latency(server.Name, 50).Median, P99: c.Latency(server.Name, 99).Median, P999: c.Latency(server.Name, 99.9).Median,
				Ratio: c.Ratio(r.Servers[0].Name, server.Name), Compared: j > 0,
			})
		}
		sections = append(sections, s)
	}
	return page.Execute(w, map[string]any{
		"Report": r, "Rates": r.allRates(), "Sections": sections,
		"Width": chartWidth, "Height": chartHeight, "Left": marginLeft, "Right": chartWidth - marginRight, "Bottom": chartHeight - marginBottom, "Top": marginTop,
	})
}

// allRates returns a chart for each depth and length of names, of the loads that go as fast
// as replies come.
func (r Report) allRates() (charts []chart) {
	for _, bytes := range distinct(r.Cells, func(c Cell) int { return c.NameBytes }) {
		for _, depth := range distinct(r.Cells, func(c Cell) int { return c.Depth }) {
			cells := slices.DeleteFunc(slices.Clone(r.Cells), func(c Cell) bool { return c.NameBytes != bytes || c.Depth != depth || c.Rate > 0 })
			if len(cells) > 0 {
				charts = append(charts, r.rates(fmt.Sprintf("%d at once, names of %d bytes", depth, bytes), cells))
			}
		}
	}
	return charts
}
