package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lockd/lock"
	"lockd/server"
	"lockd/server/core"
)

// The tables of the page are made by a walk through all connections and locks, which takes
// some 50 ms of a processor with a million locks. Between two walks there is a pause of
// pauseFactor times what a walk took, for all viewers together; those who ask for the same
// share one. On a busy machine a walk takes longer, and not more of a processor: the pause
// is at most longestPause for an update, and longestWait for a person who has asked.
const (
	pauseFactor  = 100
	longestPause = 10 * time.Second
	longestWait  = 5 * time.Second
	// mostAsking is how many may wait for a walk.
	mostAsking = 64
	// mostTables is how many tables are kept to be shown again.
	mostTables = 32

	pageRows   = 100
	mostPages  = 50
	mostQueues = 10
)

// errBusy means that too many ask for tables.
var errBusy = errors.New("the table could not be made in time, since there are many locks or viewers; try again in some seconds")

// The views: what the table of the page shows.
const (
	viewLocks       = "locks"
	viewWaiters     = "waiters"
	viewConnections = "connections"
)

// query is what a viewer wants to see.
type query struct {
	View   string
	Search string // in the names of locks and clients, and in addresses
	Sort   string // "age", "name" or "waiters"; or "locks" or "number" of connections
	Page   int    // from 1
}

// table is the answer to a query.
type table struct {
	query
	Total, Matching int // rows
	Rows            []row
	Queues          []row // the longest queues
	made            time.Time
}

// Pages returns how many pages there are, as far as they are shown.
func (t *table) Pages() int {
	return min(mostPages, max(1, (t.Matching+pageRows-1)/pageRows))
}

// Cut says whether more rows match than are shown.
func (t *table) Cut() bool { return t.Matching > mostPages*pageRows }

// Before and After are the numbers of the pages beside this one.
func (t *table) Before() int { return t.Page - 1 }

// After is the number of the next page.
func (t *table) After() int { return t.Page + 1 }

// row is a row of one of the views; each uses some of the fields.
type row struct {
	name    string     // of the lock; not to be kept: it may be long
	since   lock.Token // tells when it began
	Shared  bool
	Lock    string // as shown
	Since   time.Time
	Waiters int
	Bound   int // of a shared lock; 0 is none
	ID      core.ID
	Addr    string
	Client  string // registered or proved name
	Proved  bool
	By      string // transport
	Locks   int
	Waits   bool
}

// tables makes tables.
type tables struct {
	server *server.Server
	asking chan struct{} // has one for each that waits
	// turn has one during a walk; what is below belongs to who has put it there.
	turn  chan struct{}
	ended time.Time // of the last walk
	took  time.Duration
	made  map[query]*table
}

func newTables(s *server.Server) *tables {
	return &tables{server: s, asking: make(chan struct{}, mostAsking), turn: make(chan struct{}, 1), made: map[query]*table{}}
}

// get returns the answer to a query: made now or, during a pause, which is at most that
// long, an earlier one.
func (t *tables) get(ctx context.Context, q query, longest time.Duration) (*table, error) {
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	default:
		return nil, errBusy
	}
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return nil, errBusy
	}
	pause := time.Until(t.ended.Add(min(pauseFactor*t.took, longest)))
	if known := t.made[q]; known != nil && pause > 0 {
		return known, nil
	}
	select {
	case <-ctx.Done():
		return nil, errBusy
	case <-time.After(pause):
	}
	began := time.Now()
	made := t.walk(q)
	made.made = time.Now()
	t.ended, t.took = made.made, made.made.Sub(began)
	for old, x := range t.made {
		if len(t.made) >= mostTables || time.Since(x.made) >= longestPause {
			delete(t.made, old)
		}
	}
	t.made[q] = made
	return made, nil
}

// walk makes a table.
func (t *tables) walk(q query) *table {
	made := &table{query: q}
	best := newBest(q.Page*pageRows, order(q))
	lengths := map[lock.Lock]int{}
	matches := func(lock, addr, client string) bool {
		made.Total++
		if q.Search != "" && !strings.Contains(lock, q.Search) && !strings.Contains(addr, q.Search) && !strings.Contains(client, q.Search) {
			return false
		}
		made.Matching++
		return true
	}
	var r row // one for all: a million on the heap would keep the collector busy
	t.server.Walk(func(w *core.Walk) {
		for i := range w.Conns {
			c := &w.Conns[i]
			if c.Waits {
				lengths[c.Lock] = max(lengths[c.Lock], c.Queue)
			}
			if (q.View == viewConnections || q.View == viewWaiters && c.Waits) && matches(c.Lock.Name, c.Addr, c.Name) {
				r = row{
					ID: c.ID, Addr: c.Addr, Client: c.Name, Proved: c.Proved, By: c.Transport.String(), Locks: c.Holdings,
					Waits: c.Waits, name: c.Lock.Name, Shared: c.Lock.Shared, since: c.Ticket, Waiters: c.Queue,
				}
				best.add(&r)
			}
		}
		if q.View != viewLocks {
			return
		}
		for i := range w.Holdings {
			if h := &w.Holdings[i]; matches(h.Lock.Name, h.Addr, h.Name) {
				r = row{
					ID: h.ID, Addr: h.Addr, Client: h.Name, Proved: h.Proved, name: h.Lock.Name, Shared: h.Lock.Shared, since: h.Token,
					Waiters: h.Waiters, Bound: max(0, h.Bound),
				}
				best.add(&r)
			}
		}
	})
	made.Rows = best.page(q.Page)
	made.Queues = longest(lengths)
	return made
}

// longest returns the longest queues.
func longest(lengths map[lock.Lock]int) []row {
	best := newBest(mostQueues, func(a, b *row) bool {
		if a.Waiters != b.Waiters {
			return a.Waiters > b.Waiters
		}
		return a.name < b.name || a.name == b.name && !a.Shared
	})
	for l, n := range lengths {
		best.add(&row{name: l.Name, Shared: l.Shared, Waiters: n})
	}
	return best.page(1)
}

// order returns the order of the rows of a query. It is total, so that pages do not
// overlap.
func order(q query) func(a, b *row) bool {
	before := func(a, b *row) bool {
		switch {
		case a.since != b.since:
			return a.since < b.since
		case a.ID != b.ID:
			return a.ID < b.ID
		}
		return a.name < b.name || a.name == b.name && !a.Shared && b.Shared
	}
	switch q.Sort {
	case "name":
		return func(a, b *row) bool {
			if a.name != b.name {
				return a.name < b.name
			}
			return before(a, b)
		}
	case "waiters":
		return func(a, b *row) bool {
			if a.Waiters != b.Waiters {
				return a.Waiters > b.Waiters
			}
			return before(a, b)
		}
	case "locks":
		return func(a, b *row) bool {
			if a.Locks != b.Locks {
				return a.Locks > b.Locks
			}
			return a.ID < b.ID
		}
	case "number":
		return func(a, b *row) bool { return a.ID < b.ID }
	}
	return before
}

// best keeps the first so many rows of an order.
type best struct {
	most   int
	before func(a, b *row) bool
	rows   []row
	sorted bool // rows has most rows, in order: what is not before the last is not kept
}

func newBest(most int, before func(a, b *row) bool) *best {
	return &best{most: most, before: before}
}

func (b *best) add(r *row) {
	if b.sorted && !b.before(r, &b.rows[b.most-1]) {
		return
	}
	b.rows = append(b.rows, *r)
	if len(b.rows) >= 2*b.most {
		b.cut()
	}
}

// cut sorts, and forgets what is behind the most.
func (b *best) cut() {
	slices.SortFunc(b.rows, func(x, y row) int {
		switch {
		case b.before(&x, &y):
			return -1
		case b.before(&y, &x):
			return 1
		}
		return 0
	})
	clear(b.rows[min(b.most, len(b.rows)):])
	b.rows = b.rows[:min(b.most, len(b.rows))]
	b.sorted = len(b.rows) == b.most
}

// page returns the rows of a page, as they are shown.
func (b *best) page(n int) []row {
	b.cut()
	from := (n - 1) * pageRows
	rows := slices.Clone(b.rows[min(from, len(b.rows)):min(from+pageRows, len(b.rows))])
	for i := range rows {
		r := &rows[i]
		r.Lock, r.name = shown(r.name), ""
		r.Client = shown(r.Client)
		if r.since > 0 {
			r.Since = time.UnixMilli(r.since.Millisecond())
		}
	}
	return rows
}
