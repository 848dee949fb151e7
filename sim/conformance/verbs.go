package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checkInt compares the INT of a reply.
func checkInt(line string, want int) error {
	if integer(line) == want {
		return nil
	}
	return failf(quote([]byte(line)), "a line that begins with \"%d \"", want)
}

// readOutcome is a< yes|no|N.
func (r *run) readOutcome(s *step) error {
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	want, err := outcome(s.arg)
	if err != nil {
		return err
	}
	line, err := r.take(c, fmt.Sprintf("a line that begins with \"%d \"", want))
	if err != nil {
		return err
	}
	return checkInt(line, want)
}

// readOutcomes is a<times N yes|no|count.
func (r *run) readOutcomes(s *step) error {
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	number, word, _ := strings.Cut(s.arg, " ")
	n, err := r.number(number)
	if err != nil {
		return err
	}
	for i := range n {
		want := i + 1
		if word != "count" {
			if want, err = outcome(word); err != nil {
				return err
			}
		}
		expected := fmt.Sprintf("reply %d of %d to begin with \"%d \"", i+1, n, want)
		line, err := r.take(c, expected)
		if err != nil {
			return err
		}
		if integer(line) != want {
			return failf(quote([]byte(line)), "%s", expected)
		}
	}
	return nil
}

// readExact is a<exact CMD yes|no|N NAME.
func (r *run) readExact(s *step) error {
	command, rest, _ := strings.Cut(s.arg, " ")
	word, name, _ := strings.Cut(rest, " ")
	n, err := outcome(word)
	if err != nil {
		return err
	}
	if name, err = r.expand(name); err != nil {
		return err
	}
	return r.expectLine(s.conn, r.suite.server.Dialect.reply(command, n, name))
}

// readLine is a<line TEXT.
func (r *run) readLine(s *step) error {
	want, err := r.expand(s.arg)
	if err != nil {
		return err
	}
	return r.expectLine(s.conn, want)
}

func (r *run) expectLine(name, want string) error {
	c, err := r.conn(name)
	if err != nil {
		return err
	}
	line, err := r.take(c, "the line "+quote([]byte(want)))
	if err != nil {
		return err
	}
	if line != want {
		return failf(quote([]byte(line)), "the line %s", quote([]byte(want)))
	}
	return nil
}

// readEnding is a<ending.
func (r *run) readEnding(s *step) error {
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	line, err := c.line()
	c.asked.answered()
	if err != nil {
		return failf(r.missing(c, err), "a line")
	}
	end := r.suite.server.Dialect.lineEnd()
	if want := trimEnd(line) + end; string(line) != want {
		return failf(quote(line), "a line that ends in %s alone", strconv.Quote(end))
	}
	return nil
}

// readUnknown is a<unknown WORD.
func (r *run) readUnknown(s *step) error {
	if !r.suite.server.AnswersInvalid {
		return r.readSilence(s)
	}
	word, err := r.expand(s.arg)
	if err != nil {
		return err
	}
	return r.expectLine(s.conn, invalidReply+word)
}

// readSilence is a<silent.
func (r *run) readSilence(s *step) error {
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	lines, err := r.untilSentinel(c)
	if err != nil {
		return err
	}
	if len(lines) > 0 {
		return failf(listing(lines), "no answer")
	}
	return nil
}

// readMessage is a<message TYPE N. It leaves the lines to be read.
func (r *run) readMessage(s *step) error {
	word, number, _ := strings.Cut(s.arg, " ")
	n, err := r.number(number)
	if err != nil {
		return err
	}
	return r.expectChunk(s.conn, word, n)
}

var kindNames = map[kind]string{packet: "packet", textMessage: "text", binaryMessage: "binary"}

func (r *run) expectChunk(name, typ string, n int) error {
	c, err := r.conn(name)
	if err != nil {
		return err
	}
	p, k, err := c.nextChunk()
	if c.empties() > 0 { // WS-2
		return failf("an empty message", "no message where no reply is owed")
	}
	expected := fmt.Sprintf("%d lines in one packet", n)
	if k != packet {
		expected = strings.TrimSpace(fmt.Sprintf("one %s", typ)) + fmt.Sprintf(" message of %d lines", n)
	}
	if err != nil {
		return failf(r.missing(c, err), "%s", expected)
	}
	if got := strings.Count(string(p), "\n"); got != n || typ != "" && typ != kindNames[k] {
		return failf(fmt.Sprintf("a %s of %d: %s", kindNames[k], got, quote(p)), "%s", expected)
	}
	return nil
}

// readEnd is a<eof.
func (r *run) readEnd(s *step) error {
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	err = c.end(r.suite.opts.Timeout)
	if rest := c.pending(); len(rest) > 0 {
		return failf(quote(rest), "the end of the stream")
	}
	if !isEnd(err) {
		return failf(r.missing(c, err), "the end of the stream")
	}
	return nil
}

// ask is a? TEXT and its kin ?own, ?full and ?shape.
func (r *run) ask(s *step) error {
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	text, err := r.expand(s.arg)
	if err != nil {
		return err
	}
	var want []string
	for _, w := range s.want {
		line, err := r.expand(w)
		if err != nil {
			return err
		}
		want = append(want, line)
	}
	if err := r.broken(c, c.send([]byte(text+"\n"), packet)); err != nil {
		return err
	}
	lines, err := r.untilSentinel(c)
	if err != nil {
		return err
	}
	got := r.looked(s.verb, lines)
	if r.c.Level < Strict && showsTables(text) && slices.Equal(unordered(got), unordered(want)) {
		return nil // DUMP-11 and WHO-5 are strict
	}
	return same(got, want)
}

// showsTables says whether a command shows locks or connections.
func showsTables(command string) bool {
	word, name, _ := strings.Cut(command, " ")
	return slices.Contains([]string{"d", "sd", "dump", "who"}, word) || word == "q" && name == "full"
}

// unordered are the lines of tables, in an order of their own.
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

// sortEntries sorts the locks of a dump, and the holders of each, which stand in
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

// looked reduces an answer to what a question looks at.
func (r *run) looked(verb string, lines []string) []string {
	var kept []string
	for _, line := range lines {
		switch verb {
		case "?own", "~own":
			if !strings.Contains(line, r.tag) {
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

// eventually is a~ yes|no|N TEXT.
func (r *run) eventually(s *step) error {
	c, err := r.conn(s.conn)
	if err != nil {
		return err
	}
	word, text, _ := strings.Cut(s.arg, " ")
	want, err := outcome(word)
	if err != nil {
		return err
	}
	if text, err = r.expand(text); err != nil {
		return err
	}
	return r.poll(func() error {
		line, err := r.request(c, text)
		if err != nil {
			return err
		}
		if integer(line) == want {
			return nil
		}
		return failf(quote([]byte(line)), "within %v a line that begins with \"%d \"", r.suite.opts.Timeout, want)
	})
}

// eventuallyAsk is a~own TEXT.
func (r *run) eventuallyAsk(s *step) error {
	return r.poll(func() error { return r.ask(s) })
}

// poll repeats a check until it succeeds or the time limit is over.
func (r *run) poll(check func() error) error {
	deadline := time.Now().Add(r.suite.opts.Timeout)
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(wait)
	}
}

func (r *run) openStep(s *step) error {
	on := r.on
	if s.arg == "other" {
		for _, e := range r.suite.server.Endpoints {
			if e.Transport != r.on.Transport {
				on = e
			}
		}
	}
	_, err := r.open(s.conn, on)
	return err
}

func (r *run) pauseStep(s *step) error {
	n, err := strconv.Atoi(s.arg)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(n) * time.Millisecond)
	return nil
}

func (r *run) stopStep(*step) error {
	r.log.note("", "the server is asked to stop")
	go r.suite.instance.stop(r.ctx)
	return nil
}

// handshakeStep is handshake ORIGIN STATUS, HOST standing for the server's.
func (r *run) handshakeStep(s *step) error {
	origin, status, _ := strings.Cut(s.arg, " ")
	want, err := strconv.Atoi(status)
	if err != nil {
		return err
	}
	r.log.note("", "handshake with Origin: %s", origin)
	got, err := handshake(r.ctx, r.on, origin)
	if got == 0 {
		return failf(err.Error(), "HTTP status %d", want)
	}
	if got != want {
		return failf(strconv.Itoa(got), "HTTP status %d", want)
	}
	return nil
}
