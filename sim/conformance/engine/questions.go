package engine

import (
	"slices"
	"strings"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/script"
	"lockd/sim/conformance/transcript"
)

// ask is a? TEXT, and a?own, a?full and a?shape.
func ask(r *Run, c *client.Conn, s *script.Step) error {
	text, err := r.expand(s.Arg)
	if err != nil {
		return err
	}
	var want []string
	for _, w := range s.Want {
		line, err := r.expand(w)
		if err != nil {
			return err
		}
		want = append(want, line)
	}
	lines, err := r.Answer(c, text)
	if err != nil {
		return err
	}
	got := r.relevant(s.Verb, lines)
	if r.Case.Level < protocol.Strict && showsTables(text) && slices.Equal(unordered(got), unordered(want)) {
		return nil // DUMP-11 and WHO-5 are strict
	}
	if !slices.Equal(got, want) {
		return report.Failf(Listing(got), "%s", Listing(want))
	}
	return nil
}

// showsTables reports whether a command shows tables of locks or connections.
func showsTables(command string) bool {
	word, name, _ := strings.Cut(command, " ")
	return slices.Contains([]string{"d", "sd", "dump", "who"}, word) || word == "q" && name == "full"
}

// unordered sorts the lines of tables and the entries of dumps, so that answers can be
// compared without regard to order.
func unordered(lines []string) []string {
	var sorted []string
	for _, line := range lines {
		if inside, ok := strings.CutPrefix(line, "map["); ok {
			if inside, ok = strings.CutSuffix(inside, "]"); ok {
				line = "map[" + sortEntries(inside) + "]"
			}
		}
		sorted = append(sorted, line)
	}
	slices.Sort(sorted)
	return sorted
}

// sortEntries sorts the locks of a dump, and the holders of each, which are in
// brackets.
func sortEntries(text string) string {
	var entries []string
	for len(text) > 0 {
		end, open := len(text), strings.IndexByte(text, '[')
		if i := strings.IndexByte(text, ' '); i >= 0 {
			end = i
		}
		entry := text[:end]
		if closed := strings.IndexByte(text, ']'); open >= 0 && open < end && closed > open {
			holders := strings.Fields(text[open+1 : closed])
			slices.Sort(holders)
			entry, end = text[:open+1]+strings.Join(holders, " ")+"]", closed+1
		}
		entries = append(entries, entry)
		text = strings.TrimPrefix(text[end:], " ")
	}
	slices.Sort(entries)
	return strings.Join(entries, " ")
}

// relevant returns the part of an answer that a verb compares.
func (r *Run) relevant(verb string, lines []string) []string {
	var kept []string
	for _, line := range lines {
		switch verb {
		case "?own", "~own":
			if !strings.Contains(line, r.Tag) {
				continue
			}
		case "?full":
			if glockdFigure.MatchString(line) {
				continue
			}
		case "?shape":
			line = figure.ReplaceAllString(line, "${1}N")
		}
		kept = append(kept, line)
	}
	return kept
}

// eventuallyAsk is a~own TEXT.
func eventuallyAsk(r *Run, c *client.Conn, s *script.Step) error {
	return r.Poll(func() error { return ask(r, c, s) })
}

// eventually is a~ yes|no|N TEXT.
func eventually(r *Run, c *client.Conn, s *script.Step) error {
	word, text, _ := strings.Cut(s.Arg, " ")
	want, err := outcome(word)
	if err != nil {
		return err
	}
	if text, err = r.expand(text); err != nil {
		return err
	}
	return r.Poll(func() error {
		line, err := r.Request(c, text)
		if err != nil {
			return err
		}
		if integer(line) == want {
			return nil
		}
		return report.Failf(transcript.Quote([]byte(line)), "within %v a line that begins with \"%d \"", r.Subject.Timeout, want)
	})
}
