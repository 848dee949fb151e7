package conformance

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A server that ends while it is judged has deviated from BAD-6, whatever else it
// does. Which case it was is found by running each that may have been it alone.

const (
	// crashDelay is how long after a case the server may still end because of it.
	crashDelay = 300 * time.Millisecond
	// mostSuspects bounds how many cases are run again to find it.
	mostSuspects = 40
)

// Crash is one end of the server that nobody had asked for.
type Crash struct {
	How    string   `json:"how"`              // it was noticed
	Output string   `json:"output,omitempty"` // the last that the server wrote
	During []string `json:"during"`           // the cases that were under way, or had just ended
}

// Error implements error.
func (c *Crash) Error() string { return "the server stopped serving: " + c.How }

// crashClause is what a crash deviates from.
func crashClause() Clause {
	clauses := Clauses()
	return clauses[slices.IndexFunc(clauses, func(c Clause) bool { return c.ID == "BAD-6" })]
}

// crashed makes the result of a case that of a crash.
func (s *Suite) crashed(j job, c *Crash, conversation []Event) Result {
	result := s.result(j, Failed, "")
	result.Crash = true
	result.Cited = append([]Clause{crashClause()}, result.Cited...)
	actual := c.Error()
	if c.Output != "" {
		actual += "\nThe last that it wrote:\n" + c.Output
	}
	result.Failure = &Failure{Expected: "the server to go on serving", Actual: actual}
	result.Conversation = conversation
	return result
}

// ended says how the server has ended, nil if it serves. A server that the suite has
// started tells by its process; else one that nobody can connect to, or that does not
// answer, has ended.
func (s *Suite) ended(on Endpoint) *Crash {
	if s.instance != nil && s.instance.Exited != nil {
		select {
		case <-s.instance.Exited:
			return s.crash("its process has ended")
		default:
		}
	}
	err := s.alive(on)
	if err == nil {
		return nil
	}
	var unreachable *ErrUnreachable
	if errors.As(err, &unreachable) {
		err = unreachable.Err
	}
	return s.crash(err.Error())
}

// crash is a crash of the server.
func (s *Suite) crash(how string) *Crash {
	c := &Crash{How: how}
	if s.instance != nil && s.instance.Output != nil {
		select {
		case <-s.instance.Exited: // and has said all
		case <-time.After(crashDelay):
		}
		c.Output = lastWords(s.instance.Output())
	}
	return c
}

// fatal is how runtimes begin to tell of a crash.
var fatal = regexp.MustCompile(`(?m)^.*(panic:|fatal error:|Traceback \(most recent call last\)|Uncaught|Segmentation fault|AddressSanitizer).*$`)

// lastWords are what a server wrote at its end: from where its crash begins, or the
// last lines.
func lastWords(output string) string {
	const most = 30
	if at := fatal.FindStringIndex(output); at != nil {
		output = output[at[0]:]
		lines := strings.Split(output, "\n")
		if len(lines) > most {
			lines = append(lines[:most-1:most-1], fmt.Sprintf("... %d lines more", len(lines)-most+1), lines[len(lines)-1])
		}
		return strings.Join(lines, "\n")
	}
	lines := strings.Split(output, "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

// suspects are the cases that may have ended the server: those under way, and those
// that ended shortly before, the latest first.
type suspects struct {
	jobs []suspect
}

type suspect struct {
	job
	ended time.Time // zero while it is under way
}

func (s *suspects) began(j job) { s.jobs = append(s.jobs, suspect{job: j}) }

func (s *suspects) finished(j job) {
	now := time.Now()
	s.jobs = slices.DeleteFunc(s.jobs, func(x suspect) bool {
		return !x.ended.IsZero() && now.Sub(x.ended) > 2*crashDelay
	})
	for i, x := range s.jobs {
		if x.job == j && x.ended.IsZero() {
			s.jobs[i].ended = now
		}
	}
}

// list returns them.
func (s *suspects) list() []job {
	slices.SortStableFunc(s.jobs, func(a, b suspect) int {
		return cmp.Or(cmp.Compare(bit(!a.ended.IsZero()), bit(!b.ended.IsZero())), b.ended.Compare(a.ended))
	})
	var jobs []job
	for _, x := range s.jobs[:min(len(s.jobs), mostSuspects)] {
		jobs = append(jobs, x.job)
	}
	return jobs
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
