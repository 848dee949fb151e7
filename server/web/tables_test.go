package web

import (
	"context"
	"errors"
	"testing"
	"time"

	"lockd/server"
)

// TestPace checks that a table is shown again during a pause, and that others wait for its
// end, as long as they may.
func TestPace(t *testing.T) {
	s := server.New(server.Config{})
	defer s.Close()
	made := newTables(s)
	q := parseQuery(nil)
	first, err := made.get(t.Context(), q, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	made.took = time.Hour // a very large table
	if again, err := made.get(t.Context(), q, time.Hour); again != first || err != nil {
		t.Errorf("during the pause another table was made: %v", err)
	}
	other := q
	other.Search = "other"
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := made.get(soon, other, time.Hour); !errors.Is(err, errBusy) {
		t.Errorf("during the pause another query is answered: %v", err)
	}
	if again, err := made.get(t.Context(), q, 0); again == first || err != nil {
		t.Errorf("after the pause the old table was shown: %v", err)
	}
}
