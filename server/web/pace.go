package web

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"lockd/server"
)

// Tables are made by walks through all connections and locks, each of which takes some 110 ms
// of a processor with a million locks, and 40 more for each search. Between two walks there
// is a pause of pauseFactor times what a walk took, for all viewers together. On a busy
// machine a walk takes longer, and not more of a processor: the pause is at most longestPause
// for an update, and longestWait for a person who has asked.
const (
	pauseFactor  = 100
	longestPause = 20 * time.Second
	longestWait  = 5 * time.Second
	// mostAtOnce is how many queries one walk answers.
	mostAtOnce = 8
	// mostAsking is how many queries may wait for a walk.
	mostAsking = 64
	// mostTables is how many tables are kept to be shown again, and mostAge for how long.
	mostTables = 64
	mostAge    = time.Minute
)

// errBusy means that too many ask for tables.
var errBusy = errors.New("the table could not be made in time, since there are many locks or viewers; try again in some seconds")

// tables makes tables, for all viewers. It is safe for concurrent use.
type tables struct {
	server *server.Server

	mu      sync.Mutex
	made    map[query]*table
	asked   []*request // those that the next walks answer, in the order in which they came
	walking bool
	timer   *time.Timer   // begins the next walk
	ended   time.Time     // of the last walk
	took    time.Duration // it
}

// request is a query that waits for a walk.
type request struct {
	query
	update  bool // nobody but feeds, which show an older table meanwhile, if they have one
	waiting int
	over    chan struct{} // closed when table is set
	table   *table
}

func newTables(s *server.Server) *tables { return &tables{server: s, made: map[query]*table{}} }

// get returns the answer to a query: an earlier one during a pause, else that of the next
// walk that has room. For an update it is an earlier one whenever there is one, and the next
// update shows that of the walk.
func (t *tables) get(ctx context.Context, q query, update bool) (*table, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.made[q]
	if known != nil && time.Now().Before(t.due(update)) {
		return known, nil
	}
	r := t.ask(q, update)
	switch {
	case known != nil && update:
		return known, nil
	case r == nil:
		return nil, errBusy
	}
	r.waiting++
	t.mu.Unlock()
	select {
	case <-r.over:
	case <-ctx.Done():
	}
	t.mu.Lock()
	if r.waiting--; r.table != nil {
		return r.table, nil
	}
	if r.waiting == 0 {
		t.asked = slices.DeleteFunc(t.asked, func(other *request) bool { return other == r })
	}
	return nil, errBusy
}

// due returns when the pause is over.
func (t *tables) due(update bool) time.Time {
	most := longestWait
	if update {
		most = longestPause
	}
	return t.ended.Add(min(pauseFactor*t.took, most))
}

// ask returns the request for a query, nil if there are too many.
func (t *tables) ask(q query, update bool) *request {
	for _, r := range t.asked {
		if r.query == q {
			r.update = r.update && update
			t.schedule()
			return r
		}
	}
	if len(t.asked) >= mostAsking {
		return nil
	}
	r := &request{query: q, update: update, over: make(chan struct{})}
	t.asked = append(t.asked, r)
	t.schedule()
	return r
}

// schedule begins the next walk at its time.
func (t *tables) schedule() {
	if t.timer != nil {
		t.timer.Stop()
	}
	if !t.walking && len(t.asked) > 0 {
		updates := !slices.ContainsFunc(t.asked, func(r *request) bool { return !r.update })
		t.timer = time.AfterFunc(time.Until(t.due(updates)), t.walk)
	}
}

// walk makes the tables that are waited for, those that a person waits for first.
func (t *tables) walk() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.walking || len(t.asked) == 0 {
		return
	}
	t.walking = true
	slices.SortStableFunc(t.asked, func(a, b *request) int { return number(a.update) - number(b.update) })
	var now []*request
	var queries []query
	for len(t.asked) > 0 && len(now) < mostAtOnce {
		now, queries = append(now, t.asked[0]), append(queries, t.asked[0].query)
		t.asked = t.asked[1:]
	}
	t.mu.Unlock()
	began := time.Now()
	made := walk(t.server, queries)
	t.mu.Lock()
	t.ended = time.Now()
	t.took = t.ended.Sub(began)
	for i, r := range now {
		r.table = made[i]
		r.table.made = t.ended
		t.made[r.query] = r.table
		close(r.over)
	}
	t.forget()
	t.walking = false
	t.schedule()
}

// forget keeps the youngest tables.
func (t *tables) forget() {
	maps.DeleteFunc(t.made, func(_ query, x *table) bool { return t.ended.Sub(x.made) >= mostAge })
	for len(t.made) > mostTables {
		oldest := slices.MinFunc(slices.Collect(maps.Values(t.made)), func(a, b *table) int { return a.made.Compare(b.made) })
		delete(t.made, oldest.query)
	}
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
