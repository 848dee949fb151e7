package web

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"lockd/server"
)

// patience is how long something may take on a busy machine.
const patience = 20 * time.Second

func searching(words string) query {
	q := parseQuery(nil)
	q.Search = words
	return q
}

// paused returns tables in a pause of so long.
func paused(t *testing.T, pause time.Duration) *tables {
	s := server.New(server.Config{})
	t.Cleanup(func() { s.Close() })
	made := newTables(s)
	made.ended, made.took = time.Now(), pause/pauseFactor
	return made
}

// TestPace checks that a table is shown again during a pause, and that others wait for its
// end, as long as they may.
func TestPace(t *testing.T) {
	made := paused(t, 0)
	q := searching("")
	first, err := made.get(t.Context(), q, false)
	if err != nil {
		t.Fatal(err)
	}
	made.took = time.Hour // a very large table
	if again, err := made.get(t.Context(), q, false); again != first || err != nil {
		t.Errorf("during the pause another table was made: %v", err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := made.get(soon, searching("other"), false); !errors.Is(err, errBusy) {
		t.Errorf("during the pause another query is answered: %v", err)
	}
	if len(made.asked) > 0 {
		t.Error("a query is kept whose viewer has gone")
	}
	ended := time.Now().Add(-longestWait)
	made.ended = ended
	made.get(t.Context(), q, true)
	made.mu.Lock()
	if made.walking || len(made.asked) > 0 || made.ended != ended {
		t.Error("an update is made as soon as a person's pause is over")
	}
	made.mu.Unlock()
	if again, err := made.get(t.Context(), q, false); again == first || err != nil {
		t.Errorf("after the pause the old table was shown: %v", err)
	}
}

// TestUpdatesDoNotWait checks that an update is an older table until the next is made.
func TestUpdatesDoNotWait(t *testing.T) {
	made := paused(t, 0)
	q := searching("")
	first, err := made.get(t.Context(), q, true)
	if err != nil {
		t.Fatal(err)
	}
	made.mu.Lock()
	made.ended = time.Time{} // so that the pause is over
	made.mu.Unlock()
	if again, err := made.get(t.Context(), q, true); again != first || err != nil {
		t.Errorf("an update waits for its table: %v", err)
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		switch again, err := made.get(t.Context(), q, true); {
		case err != nil || time.Since(began) > patience:
			t.Fatalf("the same table for ever: %v", err)
		case again != first:
			return
		}
	}
}

// TestShared checks that one walk answers all who wait, but no more than so many, and
// those for whom a person waits before updates.
func TestShared(t *testing.T) {
	made := paused(t, 200*time.Millisecond)
	made.mu.Lock()
	for i := range mostAtOnce + 1 {
		made.ask(searching(strconv.Itoa(i)), true)
	}
	made.mu.Unlock()
	people := []string{strconv.Itoa(mostAtOnce), "other", "other"}
	var all sync.WaitGroup
	for _, words := range people {
		all.Go(func() {
			if _, err := made.get(t.Context(), searching(words), false); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	walks := map[time.Time]int{}
	for began := time.Now(); len(walks) < 2 && time.Since(began) < patience; time.Sleep(time.Millisecond) {
		clear(walks)
		made.mu.Lock()
		for _, x := range made.made {
			walks[x.made]++
		}
		made.mu.Unlock()
	}
	first := made.made[searching("0")].made
	if len(walks) != 2 || walks[first] != mostAtOnce || len(made.made) != mostAtOnce+2 {
		t.Errorf("there were %d walks, and the first answered %d", len(walks), walks[first])
	}
	for _, words := range people {
		if at := made.made[searching(words)].made; at != first {
			t.Errorf("a person waited for another %v", at.Sub(first))
		}
	}
}

// TestTooManyAsk checks the limits of queries that wait and of tables that are kept.
func TestTooManyAsk(t *testing.T) {
	made := paused(t, time.Hour)
	for i := range mostAsking {
		made.ask(searching(strconv.Itoa(i)), false).waiting = 1
	}
	if _, err := made.get(t.Context(), searching("one more"), false); !errors.Is(err, errBusy) {
		t.Errorf("one more than %d gets %v", mostAsking, err)
	}
	made.timer.Stop()
	for i := range mostTables + 1 {
		made.made[searching(strconv.Itoa(i))] = &table{query: searching(strconv.Itoa(i)), made: made.ended.Add(time.Duration(i))}
	}
	if made.forget(); len(made.made) != mostTables || made.made[searching("0")] != nil {
		t.Errorf("%d tables are kept", len(made.made))
	}
	made.ended = made.ended.Add(2 * mostAge)
	if made.forget(); len(made.made) != 0 {
		t.Errorf("%d old tables are kept", len(made.made))
	}
}
