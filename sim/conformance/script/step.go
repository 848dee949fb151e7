package script

import (
	"fmt"
	"regexp"
	"slices"
)

// Step is one line of a script.
type Step struct {
	Source string   // as written
	At     string   // file:line
	Conn   string   // the connection; empty for verbs without one
	Verb   string   // one of Verbs
	Arg    string   // the rest of the line, unexpanded
	Want   []string // the | lines of a question, unexpanded
}

// Verbs are all verbs. The package comment explains them.
var Verbs = []string{
	">", ">raw", ">bytewise", ">len", ">pad", ">times", ">text", ">binary",
	"<", "<times", "<exact", "<line", "<ending", "<unknown", "<silent", "<message", "<eof",
	"?", "?own", "?full", "?shape", "?stats", "?delta", "?keys", "~", "~own", "~delta", "~waiters", "<nothing", "<token",
	"open", "close", "half-close", "reset", "pause", "stop", "handshake", "go",
}

// asks reports whether | lines may follow.
func (s *Step) asks() bool {
	return slices.Contains([]string{"?", "?own", "?full", "?shape", "~own"}, s.Verb)
}

// The forms of a step: a connection sends or reads, a connection is opened or ended, or no
// connection takes part.
var (
	exchange   = regexp.MustCompile(`^([a-z][a-z0-9]*)([><?~][a-z]*)(?: +(.*))?$`)
	connecting = regexp.MustCompile(`^([a-z][a-z0-9]*) (open|close|half-close|reset)(?: +(.*))?$`)
	apart      = regexp.MustCompile(`^()(pause|stop|handshake|go)(?: +(.*))?$`)
)

func parseStep(line string) (Step, error) {
	for _, form := range []*regexp.Regexp{exchange, apart, connecting} {
		m := form.FindStringSubmatch(line)
		switch {
		case m == nil:
		case !slices.Contains(Verbs, m[2]):
			return Step{}, fmt.Errorf("unknown verb %q", m[2])
		default:
			return Step{Source: line, Conn: m[1], Verb: m[2], Arg: m[3]}, nil
		}
	}
	return Step{}, fmt.Errorf("%q is neither a header nor a step", line)
}
