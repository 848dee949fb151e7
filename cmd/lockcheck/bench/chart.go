package bench

import (
	"fmt"
	"math"
	"strings"
)

// The size of a chart, and of its margins, in units of the picture.
const (
	chartWidth, chartHeight = 460, 250
	marginLeft, marginRight = 58, 24
	marginTop, marginBottom = 12, 40
	plotWidth               = chartWidth - marginLeft - marginRight
	plotHeight              = chartHeight - marginTop - marginBottom
)

// chart is a picture, as the page draws it.
type chart struct {
	Title  string
	Ticks  []tick // of the vertical axis
	Labels []tick // of the horizontal one
	Bars   []bar
	Lines  []line
}

// tick is a mark on an axis.
type tick struct {
	At   float64
	Text string
}

// bar is a median, with a line from the lowest figure to the highest.
type bar struct {
	X, Y, Width, Height float64
	Middle, Low, High   float64
	Server              int
	Text                string
}

// line is a curve.
type line struct {
	Server int
	Points string
	Text   string
}

// rates draws the rates of all servers by the number of connections. The cells differ in
// nothing else.
func (r Report) rates(title string, cells []Cell) chart {
	highest := 1.0
	for _, c := range cells {
		for _, s := range r.Servers {
			highest = max(highest, c.PerSecond(s.Name).Highest)
		}
	}
	top, step := rounded(highest)
	c := chart{Title: title}
	y := func(v float64) float64 { return marginTop + plotHeight*(1-v/top) }
	for v := 0.0; v <= top*1.0001; v += step {
		c.Ticks = append(c.Ticks, tick{y(v), short(v)})
	}
	group := float64(plotWidth) / float64(len(cells))
	width := group * 0.8 / float64(len(r.Servers))
	for i, cell := range cells {
		left := marginLeft + group*(float64(i)+0.1)
		c.Labels = append(c.Labels, tick{left + group*0.4, fmt.Sprint(cell.Connections)})
		for j, s := range r.Servers {
			rate := cell.PerSecond(s.Name)
			if rate.Highest == 0 {
				continue
			}
			x := left + width*float64(j)
			c.Bars = append(c.Bars, bar{
				X: x + width*0.05, Y: y(rate.Median), Width: width * 0.9, Height: plotHeight * rate.Median / top,
				Middle: x + width/2, Low: y(rate.Lowest), High: y(rate.Highest), Server: j,
				Text: fmt.Sprintf("%s, %d connections: %s/s (%s to %s)", s.Name, cell.Connections, number(rate.Median), number(rate.Lowest), number(rate.Highest)),
			})
		}
	}
	return c
}

// latencies draws the latencies of all servers in one cell, by percentile. Both axes are
// logarithmic: the horizontal one in what is left to 100%.
func (r Report) latencies(cell Cell) chart {
	c := chart{Title: cell.Title()}
	lowest, highest := math.Inf(1), 0.0
	for _, s := range r.Servers {
		for _, p := range percents {
			if v := cell.Latency(s.Name, p).Median; v > 0 {
				lowest, highest = min(lowest, v), max(highest, v)
			}
		}
	}
	if highest == 0 {
		return c
	}
	bottom, top := math.Floor(math.Log10(lowest)), math.Ceil(math.Log10(highest))
	if top == bottom {
		top++
	}
	y := func(ms float64) float64 {
		return marginTop + plotHeight*(1-(math.Log10(ms)-bottom)/(top-bottom))
	}
	x := func(percent float64) float64 {
		const right = 4 // 99.99%
		return marginLeft + plotWidth*-math.Log10(1-percent/100)/right
	}
	for e := bottom; e <= top; e++ {
		c.Ticks = append(c.Ticks, tick{y(math.Pow(10, e)), fmt.Sprintf("%g ms", math.Pow(10, e))})
	}
	for _, p := range []float64{50, 90, 99, 99.9, 99.99} {
		c.Labels = append(c.Labels, tick{x(p), fmt.Sprintf("%g%%", p)})
	}
	for j, s := range r.Servers {
		if len(cell.Rounds[s.Name]) == 0 {
			continue
		}
		var points []string
		for _, p := range percents {
			if v := cell.Latency(s.Name, p).Median; v > 0 {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(p), y(v)))
			}
		}
		c.Lines = append(c.Lines, line{Server: j, Points: strings.Join(points, " "), Text: s.Name})
	}
	return c
}

// short writes a round figure.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%g M", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%g k", v/1e3)
	}
	return fmt.Sprintf("%g", v)
}

// rounded returns a round figure that is not below v, and a round part of it.
func rounded(v float64) (top, step float64) {
	step = math.Pow(10, math.Floor(math.Log10(v)))
	switch {
	case v/step <= 2:
		step /= 4
	case v/step <= 5:
		step /= 2
	}
	return math.Ceil(v/step) * step, step
}
