package web

import (
	"time"

	"lockd/lock"
	"lockd/server/core"
)

const (
	pageRows   = 100
	mostPages  = 50
	mostQueues = 10
)

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
