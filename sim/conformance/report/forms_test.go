package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"testing"
	"time"

	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/script"
	"lockd/sim/conformance/transcript"
	"lockd/sim/transport"
)

// TestForms writes a report with everything in it in every form: templates are compiled
// when they are run.
func TestForms(t *testing.T) {
	on := transport.Endpoint{Transport: transport.TCP, Address: "h:1"}
	c := &script.Case{ID: "some-case", Title: "A title.", Hint: "A hint.", Level: protocol.Strict, Clauses: protocol.Clauses()[:2]}
	result := func(status Status) Result {
		return Result{Case: c, On: on, Cited: c.Clauses, Status: status, Reason: "a reason", Duration: time.Second}
	}
	failed := result(Failed)
	failed.Failure = &Failure{Step: "a> g", At: "x.case:1", Asked: "g\n", Expected: "yes", Actual: "no"}
	failed.Conversation = []transcript.Entry{{Conn: "a", Kind: "sent", Text: `"g\n"`, Bytes: 2}, {Kind: "note", Text: "x"}}
	crashed := failed
	crashed.Crash = true
	r := &Report{
		Server: Profile{Endpoints: []transport.Endpoint{on}, Dialect: protocol.Glockd, Guessed: true, Loses: map[string]bool{"tcp": true}},
		Level:  protocol.Strict, Started: time.Now(), Took: time.Second,
		Results: []Result{failed, failed, failed, failed, crashed, result(Passed), result(Skipped), result(NotRun)},
		Crashes: []*Crash{{How: "it ended", Output: "panic: x", During: []string{"some-case"}}},
		Died:    &Crash{How: "it ended"},
	}
	r.Sort()
	var junit bytes.Buffer
	if err := r.WriteJUnit(&junit); err != nil {
		t.Fatal(err)
	}
	var suites junitSuites
	if err := xml.Unmarshal(junit.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	for _, s := range suites.Suites { // a crash is of core, whatever its case is
		if want := map[string]int{"core": 1, "family": 0, "strict": 7}[s.Name]; s.Tests != want || len(s.Cases) != want {
			t.Errorf("the suite %s counts %d tests and has %d, want %d", s.Name, s.Tests, len(s.Cases), want)
		}
	}
	for name, write := range map[string]func(io.Writer) error{
		"html": r.WriteHTML, "json": r.WriteJSON,
		"text": func(w io.Writer) error { return r.WriteText(w, true) },
	} {
		if err := write(io.Discard); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
