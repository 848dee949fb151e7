package campaign

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"lockd/sim/history"
)

// The evidence of a history that is not linearizable has a shrunk history, which fails
// in the same way.
func TestHistoryEvidence(t *testing.T) {
	h, err := history.Read("../history/testdata/violations/socket-closed-before-release.json")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = judge(5, "options", h, nil, nil)
	var failure *Failure
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want a failure", err)
	}
	dir, notes, err := WriteEvidence(t.TempDir(), Report{Layer: "bubble", Failure: failure})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(notes, "\n")
	const verdict = "Nothing explains that connection 2 was refused the exclusive lock n0 (g n0 → 0)"
	for _, want := range []string{"shrunk from 64 operations to 4:\n  connection 6: g n0 → 1, ", verdict, "picture: " + filepath.Join(dir, "picture.html")} {
		if !strings.Contains(text, want) {
			t.Errorf("the notes do not contain %q:\n%s", want, text)
		}
	}
	for _, name := range []string{"history.json", "shrunk.json"} {
		saved, err := ReadSaved(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := saved.Play(t.Context()); !errors.As(err, &failure) || !strings.HasPrefix(failure.Error(), "exclusive lock n0: ") {
			t.Errorf("%s played again gives %v", name, err)
		}
	}
}

// The history of a run is checked even if the run itself has failed.
func TestHistoryOfFailedRun(t *testing.T) {
	h := &history.History{Ops: []history.Operation{
		{Command: history.Get, Name: "x", Call: 1, Return: 2, Answered: true, Value: 1},
		{Conn: 1, Command: history.Get, Name: "x", Call: 3, Return: 4, Answered: true, Value: 1},
		{Seq: 1, Command: history.Inspect, Name: "x", Call: 5, Return: 6, Answered: true, Value: 1},
		{Seq: 2, Command: history.Release, Name: "x", Call: 7, Return: 8},
	}}
	_, _, err := judge(5, "options", h, nil, errors.New("a lock is left"))
	var failure *Failure
	if !errors.As(err, &failure) || failure.Error() != "a lock is left" {
		t.Fatalf("got %v", err)
	}
	_, notes, err := WriteEvidence(t.TempDir(), Report{Layer: "sockets", Failure: failure})
	if err != nil || !strings.Contains(strings.Join(notes, "\n"), "Nothing explains that connection ") {
		t.Errorf("the notes are %q, %v", notes, err)
	}
	if len(h.Ops) != 4 || h.Ops[3].Return != 8 {
		t.Errorf("the history was changed: %+v", h.Ops)
	}
}
