// Package man writes manual pages from the flags and commands of a program, so that they
// cannot say anything else than its help. It reads nothing but its arguments. Begin with
// Page and Roff.
package man

import (
	"cmp"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"
)

// Page is a manual page. Texts are those of a help: blank lines are between paragraphs,
// and lines that begin with a blank are printed as they are.
type Page struct {
	Name     string
	Section  int
	Short    string // one line, without a full stop
	Usage    []string
	Text     string
	Flags    *flag.FlagSet
	Commands []*ffcli.Command
	Sections []Section
	SeeAlso  []string // as in flock(1)

	Version string
	Date    time.Time
}

// Section is a section of a page, such as EXIT STATUS.
type Section struct {
	Title string
	Text  string
	Items []Item
}

// Item is an entry of a list.
type Item struct{ Term, Text string }

// Roff returns the source of the page, in the man macros.
func (p Page) Roff() string {
	var r roff
	title := fmt.Sprintf("%s %d %s", strings.ToUpper(p.Name), p.Section, p.Date.Format(time.DateOnly))
	r.line(".TH " + title + ` "` + escape(p.Name+" "+p.Version) + `"`) // the hyphens of a date are not escaped
	r.macro("SH", "NAME")
	r.line(escape(p.Name) + ` \- ` + escape(p.Short))
	r.macro("SH", "SYNOPSIS")
	for i, usage := range p.Usage {
		if i > 0 {
			r.macro("br")
		}
		r.usage(usage)
	}
	r.macro("SH", "DESCRIPTION")
	r.text(p.Text)
	if p.Flags != nil {
		r.macro("SH", "OPTIONS")
		r.flags(p.Flags, nil)
	}
	if len(p.Commands) > 0 {
		r.macro("SH", "COMMANDS")
	}
	for _, c := range p.Commands {
		r.command(c, p.Flags)
	}
	for _, s := range p.Sections {
		r.macro("SH", strings.ToUpper(s.Title))
		r.text(s.Text)
		for _, item := range s.Items {
			r.macro("TP")
			r.line(bold(item.Term))
			r.line(escape(item.Text))
		}
	}
	if len(p.SeeAlso) > 0 {
		r.macro("SH", "SEE ALSO")
		r.references(p.SeeAlso)
	}
	return r.String()
}

// roff is the source of a page that is being written.
type roff struct{ strings.Builder }

// macro writes a line with a macro.
func (r *roff) macro(name string, args ...string) {
	r.WriteString("." + name)
	for _, arg := range args {
		r.WriteString(` "` + escape(arg) + `"`)
	}
	r.WriteString("\n")
}

// line writes a line of escaped text.
func (r *roff) line(text string) {
	if text != "" {
		r.WriteString(text + "\n")
	}
}

// usage writes a synopsis.
func (r *roff) usage(text string) {
	name, rest, _ := strings.Cut(text, " ")
	r.line(strings.TrimSpace(bold(name) + " " + escape(rest)))
}

// text writes paragraphs, and between them lines that are printed as they are.
func (r *roff) text(text string) {
	for i, b := range blocks(text) {
		if i > 0 {
			r.macro("PP")
		}
		if b.literal {
			r.macro("EX")
		}
		for _, line := range b.lines {
			r.line(escape(line))
		}
		if b.literal {
			r.macro("EE")
		}
	}
}

// block is a paragraph, or lines that are printed as they are.
type block struct {
	literal bool
	lines   []string
}

// blocks splits a text.
func blocks(text string) (all []block) {
	goesOn := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n ")
		if line == "" {
			goesOn = false
			continue
		}
		literal := line[0] == ' '
		if last := len(all) - 1; !goesOn || all[last].literal != literal {
			all = append(all, block{literal: literal})
		}
		last := &all[len(all)-1]
		last.lines = append(last.lines, line)
		goesOn = true
	}
	return all
}

// command writes a command of the program, without the flags of the program itself.
func (r *roff) command(c *ffcli.Command, common *flag.FlagSet) {
	r.macro("SS", c.Name)
	r.usage(cmp.Or(c.ShortUsage, c.FlagSet.Name()))
	r.macro("PP")
	r.line(escape(sentence(c.ShortHelp)))
	if c.LongHelp != "" {
		r.macro("PP")
		r.text(c.LongHelp)
	}
	r.flags(c.FlagSet, common)
}

// flags writes the flags of a set. Those that common has, too, are only named.
func (r *roff) flags(fs, common *flag.FlagSet) {
	var also []string
	fs.VisitAll(func(f *flag.Flag) {
		if isCommon(f, common) {
			also = append(also, bold("-"+f.Name))
			return
		}
		value, usage := flag.UnquoteUsage(f)
		term := bold("-" + f.Name)
		if value != "" {
			term += " " + italic(value)
		}
		r.macro("TP")
		r.line(term)
		r.line(escape(usage + defaultOf(f, usage)))
	})
	if len(also) > 0 {
		r.macro("PP")
		r.line("Also " + strings.Join(also, ", ") + ", as above.")
	}
}

func isCommon(f *flag.Flag, common *flag.FlagSet) bool {
	if common == nil {
		return false
	}
	other := common.Lookup(f.Name)
	return other != nil && other.Usage == f.Usage
}

// defaultOf says what the default is, unless that is nothing, or the usage says it.
func defaultOf(f *flag.Flag, usage string) string {
	switch {
	case f.DefValue == "true":
		return " (on by default)"
	case strings.Contains(usage, "default") || slices.Contains([]string{"", "0", "0s", "false", "-1"}, f.DefValue):
		return ""
	}
	return " (default " + f.DefValue + ")"
}

// references writes the names of other pages.
func (r *roff) references(names []string) {
	for i, name := range names {
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		page, section, isPage := strings.Cut(name, "(")
		if isPage {
			r.macro("BR", page, "("+section+comma)
		} else {
			r.line(escape(name + comma))
		}
	}
}

// sentence makes a sentence of a short help.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func bold(text string) string   { return `\fB` + escape(text) + `\fR` }
func italic(text string) string { return `\fI` + escape(text) + `\fR` }

// escape lets text be printed as it is, with the characters of ASCII that can be copied
// into a shell.
func escape(text string) string {
	text = escapes.Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text // else it would be a macro
	}
	return text
}

var escapes = strings.NewReplacer(
	`\`, `\e`, `-`, `\-`, `'`, `\(aq`, "`", `\(ga`, `^`, `\(ha`, `~`, `\(ti`, `"`, `\(dq`,
)
