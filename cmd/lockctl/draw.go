package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/uniseg"
)

// The screen of top can be read without colours: heads are reversed, nothing is coloured.
var (
	plain = tcell.StyleDefault
	bold  = plain.Bold(true)
	head  = plain.Reverse(true)
)

// column is a column of a table.
type column struct {
	title string
	width int // 0: what is left, shared by all such columns
	right bool
	spare bool // left out of a narrow screen
}

// draw draws what a look has shown; nil is none yet.
func draw(screen tcell.Screen, addr string, l *looked, paused bool) {
	screen.Clear()
	width, height := screen.Size()
	title := "lockd at " + addr
	if l != nil && l.version != "" {
		title = "lockd " + l.version + " at " + addr
	}
	put(screen, 0, 0, width, title, bold)
	status := time.Now().Format(time.TimeOnly)
	if paused {
		status = "PAUSED"
	}
	status += "  q quits, p pauses"
	if at := width - uniseg.StringWidth(status); at > uniseg.StringWidth(title)+1 {
		put(screen, at, 0, width, status, plain)
	}
	y := 1
	line := func(text string, style tcell.Style) {
		put(screen, 0, y, width, text, style)
		y++
	}
	switch {
	case l == nil:
		line("looking ...", plain)
	case l.stats != nil:
		for _, text := range wrap(width, "   ",
			"commands "+l.rate("all"), "g "+l.rate("g"), "r "+l.rate("r"), "i "+l.rate("i"), "sg "+l.rate("sg"), "sr "+l.rate("sr"),
			"orphans "+l.rate("orphans"), "invalid "+l.rate("invalid")) {
			line(text, plain)
		}
		for _, text := range wrap(width, "   ",
			fmt.Sprintf("locks %d", l.stats.Locks), fmt.Sprintf("shared %d", l.stats.SharedLocks), fmt.Sprintf("connections %d", l.stats.Connections),
			fmt.Sprintf("waiters %d", l.waiters), fmt.Sprintf("orphans %d", l.stats.Orphans+l.stats.SharedOrphans)) {
			line(text, plain)
		}
	}
	if l != nil && l.err != nil {
		for _, text := range wrap(width, " ", strings.Fields(l.err.Error())...) {
			line(text, bold)
		}
	}
	if l != nil && l.stats != nil {
		y++
		tables(screen, l, y, width, height)
	}
	screen.Show()
}

// narrow is the width below which tables have no columns that can be spared.
const narrow = 64

// tables draws the two tables in the lines from y on. The queues have a third of them,
// or what they need.
func tables(screen tcell.Screen, l *looked, y, width, height int) {
	left := height - y
	queues := min(len(l.queues)+1, left/3)
	if len(l.queues) == 0 && left < 8 {
		queues = 0
	}
	held := [][]string{}
	for _, h := range l.holders[:min(len(l.holders), max(left-queues-2, 0))] {
		held = append(held, []string{age(h.Held), shown(h.Name), table(h.Shared), shown(h.Holder), strconv.Itoa(h.Waiters), known(h.Conn)})
	}
	drawTable(screen, y, max(left-queues-1, 1), width, []column{{"HELD", 8, true, false}, {"NAME", 0, false, false}, {"TABLE", 9, false, true}, {"HOLDER", 0, false, false}, {"WAITERS", 7, true, false}, {"CONN", 8, true, true}}, held)
	waited := [][]string{}
	for _, q := range l.queues[:max(queues-1, 0)] {
		waited = append(waited, []string{strconv.Itoa(q.waiters), shown(q.name), table(q.shared), shown(q.first.Waiter), age(q.first.Waited), known(q.first.Conn)})
	}
	drawTable(screen, height-queues, queues, width, []column{{"WAITERS", 8, true, false}, {"NAME", 0, false, false}, {"TABLE", 9, false, true}, {"FIRST", 0, false, false}, {"WAITED", 7, true, false}, {"CONN", 8, true, true}}, waited)
}

// drawTable draws the heads and some rows in at most so many lines.
func drawTable(screen tcell.Screen, y, lines, width int, columns []column, rows [][]string) {
	if width < narrow {
		for i := range rows {
			rows[i] = sparing(columns, rows[i])
		}
		columns = sparing(columns, columns)
	}
	rest, open := width-2*(len(columns)-1), 0
	for _, c := range columns {
		if rest -= c.width; c.width == 0 {
			open++
		}
	}
	each := max(rest/open, 4)
	for i := range min(lines, len(rows)+1) {
		style, row := plain, []string(nil)
		if i == 0 {
			style = head
			put(screen, 0, y, width, strings.Repeat(" ", width), head)
		} else {
			row = rows[i-1]
		}
		x := 0
		for n, c := range columns {
			text, w := c.title, c.width
			if row != nil {
				text = row[n]
			}
			if w == 0 {
				w = each
			}
			if over := w - uniseg.StringWidth(text); c.right && over > 0 {
				put(screen, x+over, y+i, min(x+w, width), text, style)
			} else {
				put(screen, x, y+i, min(x+w, width), text, style)
			}
			x += w + 2
		}
	}
}

// sparing returns the cells of a row that a narrow screen has.
func sparing[T any](columns []column, row []T) (left []T) {
	for i, cell := range row {
		if !columns[i].spare {
			left = append(left, cell)
		}
	}
	return left
}

// put writes text up to column end. Text that does not fit ends with an ellipsis.
func put(screen tcell.Screen, x, y, end int, text string, style tcell.Style) {
	if uniseg.StringWidth(text) <= end-x {
		screen.PutStrStyled(x, y, text, style)
		return
	}
	for text != "" && x < end-1 {
		rest, w := screen.Put(x, y, text, style)
		if x+w > end-1 {
			break
		}
		text, x = rest, x+w
	}
	if x < end {
		screen.Put(min(x, end-1), y, "…", style)
	}
}

// wrap joins parts to lines that fit.
func wrap(width int, between string, parts ...string) (lines []string) {
	for _, part := range parts {
		if n := len(lines); n > 0 && uniseg.StringWidth(lines[n-1]+between+part) <= width {
			lines[n-1] += between + part
		} else {
			lines = append(lines, part)
		}
	}
	return lines
}
