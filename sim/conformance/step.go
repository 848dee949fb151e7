package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// step is one line of a script.
type step struct {
	src  string   // as written
	at   string   // file:line
	conn string   // empty where no connection is concerned
	verb string   // a key of verbs
	arg  string   // the rest of the line, unexpanded
	want []string // the | lines of a question, unexpanded
}

// asks says whether | lines may follow.
func (s *step) asks() bool {
	return slices.Contains([]string{"?", "?own", "?full", "?shape", "~own"}, s.verb)
}

var (
	talking = regexp.MustCompile(`^([a-z][a-z0-9]*)([><?~][a-z]*)(?: +(.*))?$`)
	acting  = regexp.MustCompile(`^([a-z][a-z0-9]*) (open|close|half-close|reset)(?: +(.*))?$`)
	apart   = regexp.MustCompile(`^(pause|stop|handshake|go)(?: +(.*))?$`)
)

func parseStep(line string) (step, error) {
	s := step{src: line}
	if m := talking.FindStringSubmatch(line); m != nil {
		s.conn, s.verb, s.arg = m[1], m[2], m[3]
	} else if m := apart.FindStringSubmatch(line); m != nil {
		s.verb, s.arg = m[1], m[2]
	} else if m := acting.FindStringSubmatch(line); m != nil {
		s.conn, s.verb, s.arg = m[1], m[2], m[3]
	} else {
		return s, fmt.Errorf("%q is neither a header nor a step", line)
	}
	if verbs[s.verb] == nil {
		return s, fmt.Errorf("unknown verb %q", s.verb)
	}
	if s.verb == "go" && scenarios[s.arg] == nil {
		return s, fmt.Errorf("no scenario is called %q", s.arg)
	}
	return s, nil
}

// readsLine has the verbs that read the answer to one command.
var readsLine = map[string]bool{"<": true, "<times": true, "<exact": true, "<line": true, "<ending": true, "~": true}

// verbs is filled by init: the functions refer to each other.
var verbs map[string]func(*run, *step) error

func init() {
	verbs = map[string]func(*run, *step) error{
		">":          sends("line"),
		">raw":       sends("raw"),
		">bytewise":  sends("bytewise"),
		">len":       sends("len"),
		">times":     sends("times"),
		">pad":       sends("pad"),
		">text":      sends("text"),
		">binary":    sends("binary"),
		"<":          (*run).readOutcome,
		"<times":     (*run).readOutcomes,
		"<exact":     (*run).readExact,
		"<line":      (*run).readLine,
		"<ending":    (*run).readEnding,
		"<unknown":   (*run).readUnknown,
		"<silent":    (*run).readSilence,
		"<message":   (*run).readMessage,
		"<eof":       (*run).readEnd,
		"?":          (*run).ask,
		"?own":       (*run).ask,
		"?full":      (*run).ask,
		"?shape":     (*run).ask,
		"?stats":     (*run).askStats,
		"?delta":     (*run).askDelta,
		"?keys":      (*run).askKeys,
		"~":          (*run).eventually,
		"~own":       (*run).eventuallyAsk,
		"~delta":     (*run).eventuallyDelta,
		"open":       (*run).openStep,
		"close":      ends(func(c *conn) error { c.t.close(); return nil }), // the server may have been first
		"half-close": ends(func(c *conn) error { return c.t.halfClose() }),
		"reset":      ends(func(c *conn) error { c.t.reset(); return nil }),
		"pause":      (*run).pauseStep,
		"stop":       (*run).stopStep,
		"handshake":  (*run).handshakeStep,
		"go":         func(r *run, s *step) error { return scenarios[s.arg](r) },
	}
}

// sends is the verbs that send: the word says how.
func sends(how string) func(*run, *step) error {
	return func(r *run, s *step) error {
		c, err := r.conn(s.conn)
		if err != nil {
			return err
		}
		arg, n := s.arg, 0
		if how == "len" || how == "pad" || how == "times" {
			number, rest, _ := strings.Cut(s.arg, " ")
			if n, err = r.number(number); err != nil {
				return err
			}
			arg = rest
		}
		text, err := r.expand(arg)
		if err != nil {
			return err
		}
		k := packet
		switch how {
		case "line":
			text += "\n"
		case "len":
			text += strings.Repeat("x", max(0, n-len(text))) + "\n"
		case "pad":
			text += strings.Repeat("x", max(0, n-len(text)))
		case "times":
			text = r.repeat(arg, n)
			if r.lonely(c) {
				return r.sendLonely(c, text)
			}
		case "text":
			k = textMessage
		case "binary":
			k = binaryMessage
		case "bytewise":
			r.log.data(c.name, "sent", []byte(text))
			c.asked.sent([]byte(text), packet)
			r.log.note(c.name, "… in packets of one byte")
			return r.broken(c, c.t.writeBytewise([]byte(text)))
		}
		return r.broken(c, c.send([]byte(text), k))
	}
}

// repeat writes a line n times, # being the number of each.
func (r *run) repeat(line string, n int) string {
	var b strings.Builder
	for i := range n {
		text, err := r.expand(strings.ReplaceAll(line, "#", strconv.Itoa(i+1)))
		if err != nil {
			panic(err) // it was expanded before
		}
		b.WriteString(text)
		b.WriteByte('\n')
	}
	return b.String()
}

// lonely says whether commands must be sent one by one: the server loses
// others, which only the cases about that are to show.
func (r *run) lonely(c *conn) bool {
	about := func(k Clause) bool { return slices.Contains([]string{"LINE-5", "REPLY-5", "WS-1", "WS-2"}, k.ID) }
	return r.suite.server.loses[c.on.Transport] && !slices.ContainsFunc(r.c.Clauses, about)
}

// sendLonely sends every line when the one before was answered, and leaves the
// answers to be read.
func (r *run) sendLonely(c *conn, text string) error {
	for line := range strings.Lines(text) {
		before := c.count()
		if err := r.broken(c, c.send([]byte(line), packet)); err != nil {
			return err
		}
		deadline := time.After(r.suite.opts.Timeout)
		for waiting := true; waiting && c.count() == before; {
			select {
			case <-c.arrive:
			case <-c.done:
				waiting = false
			case <-deadline:
				waiting = false
			}
		}
	}
	return nil
}

// number reads N of a step: a number, or one counted from the limit of a line,
// as in max+1.
func (r *run) number(text string) (int, error) {
	if rest, ok := strings.CutPrefix(text, "max"); ok {
		n := 0
		if rest != "" {
			var err error
			if n, err = strconv.Atoi(rest); err != nil {
				return 0, fmt.Errorf("%q is no number", text)
			}
		}
		return r.suite.opts.MaxLine + n, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return n, nil
}

// ends is the verbs that end a connection.
func ends(how func(*conn) error) func(*run, *step) error {
	return func(r *run, s *step) error {
		c, err := r.conn(s.conn)
		if err != nil {
			return err
		}
		r.log.note(c.name, "%s (by the client)", s.verb)
		return r.broken(c, how(c))
	}
}
