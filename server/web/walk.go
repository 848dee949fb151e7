package web

import (
	"strings"

	"lockd/lock"
	"lockd/server"
	"lockd/server/core"
)

// making is the table of a query while it is made.
type making struct {
	*table
	best *best
}

func newMaking(q query) making {
	return making{&table{query: q}, newBest(q.Page*pageRows, order(q))}
}

// matches says whether a row with these texts is one of the table, and counts it.
func (a *making) matches(lock, addr, client string) bool {
	a.Total++
	if a.Search != "" && !strings.Contains(lock, a.Search) && !strings.Contains(addr, a.Search) && !strings.Contains(client, a.Search) {
		return false
	}
	a.Matching++
	return true
}

// walk answers queries in one walk.
func walk(s *server.Server, queries []query) []*table {
	all := make([]making, len(queries))
	var locks []*making // those that show what is held
	for i, q := range queries {
		all[i] = newMaking(q)
		if q.View == viewLocks {
			locks = append(locks, &all[i])
		}
	}
	lengths := map[lock.Lock]int{}
	var r row // one for all: a million on the heap would keep the collector busy
	s.Walk(func(w *core.Walk) {
		for i := range w.Conns {
			c := &w.Conns[i]
			if c.Waits {
				lengths[c.Lock] = max(lengths[c.Lock], c.Queue)
			}
			for j := range all {
				a := &all[j]
				if (a.View == viewConnections || a.View == viewWaiters && c.Waits) && a.matches(c.Lock.Name, c.Addr, c.Name) {
					r = row{
						ID: c.ID, Addr: c.Addr, Client: c.Name, Proved: c.Proved, By: c.Transport.String(), Locks: c.Holdings,
						Waits: c.Waits, name: c.Lock.Name, Shared: c.Lock.Shared, since: c.Ticket, Waiters: c.Queue,
					}
					a.best.add(&r)
				}
			}
		}
		for i := range w.Holdings {
			h := &w.Holdings[i]
			for _, a := range locks {
				if a.matches(h.Lock.Name, h.Addr, h.Name) {
					r = row{
						ID: h.ID, Addr: h.Addr, Client: h.Name, Proved: h.Proved, name: h.Lock.Name, Shared: h.Lock.Shared, since: h.Token,
						Waiters: h.Waiters, Bound: max(0, h.Bound),
					}
					a.best.add(&r)
				}
			}
		}
	})
	queues := longest(lengths)
	tables := make([]*table, len(all))
	for i, a := range all {
		a.Rows, a.Queues = a.best.page(a.Page), queues
		tables[i] = a.table
	}
	return tables
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
