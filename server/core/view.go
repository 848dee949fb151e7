package core

import (
	"iter"

	"lockd/lock"
	"lockd/wire"
)

// view is the state that a reply shows, at one moment (DUMP-8, STATS-9). Taking a view
// is cheap; formatting it is not, and may be done in any goroutine. The zero value is
// ready for use, and a view may be reused.
type view struct {
	dialect wire.Dialect
	command wire.Command
	shared  bool // of dump
	full    bool // of q
	dump    bool // the feature is on
	figures wire.Figures
	locks   lock.Snapshot
	holders map[lock.Conn]string // how each is shown
	named   []registered
	// Of lists only:
	prefix string
	addrs  map[lock.Conn]string
	now    int64 // milliseconds since 1970
}

// registered is a line of who.
type registered struct{ addr, name string }

// look takes the view for a request.
func (c *Core) look(v *view, r wire.Request) {
	v.dialect, v.command, v.dump = c.config.Dialect, r.Command, c.config.Dump
	if r.Command == wire.Who {
		v.named = c.names.appendTo(v.named[:0], r.Name)
		return
	}
	show := (*conn).address
	switch r.Command {
	case wire.Holders:
		show = (*conn).holder
		c.machine.Snapshot(&v.locks, true, false)
	case wire.SharedHolders:
		if show = (*conn).holder; len(r.Name) > 0 {
			c.machine.SnapshotHolders(&v.locks, r.Name)
		} else {
			c.machine.Snapshot(&v.locks, false, true)
		}
	case wire.Dump:
		v.shared = string(r.Name) == "shared"
		c.machine.Snapshot(&v.locks, !v.shared, v.shared)
	case wire.List, wire.ListWaiters:
		show = (*conn).holder
		c.lookList(v, r)
	case wire.Stats:
		v.figures, v.full = c.statistics(), string(r.Name) == "full"
		tables := v.full && (v.dialect == wire.Classic || v.dump)
		c.machine.Snapshot(&v.locks, tables, tables)
	}
	if v.holders == nil {
		v.holders = make(map[lock.Conn]string, len(v.locks.Holders()))
	}
	clear(v.holders)
	for _, holder := range v.locks.Holders() {
		v.holders[holder] = show(c.conns[ID(holder)])
	}
}

// appendTo appends the reply.
func (v *view) appendTo(out []byte) []byte {
	switch v.command {
	case wire.Who:
		for _, n := range v.named {
			out = v.dialect.AppendPair(out, n.addr, n.name)
		}
	case wire.Holders:
		out = v.appendPairs(out, v.locks.Exclusive())
	case wire.SharedHolders:
		out = v.appendPairs(out, v.locks.Shared())
	case wire.List, wire.ListWaiters:
		return v.appendList(out)
	case wire.Dump:
		if v.shared {
			return v.dialect.AppendDumpShared(out, v.table(v.locks.Shared()))
		}
		return v.dialect.AppendDump(out, v.table(v.locks.Exclusive()))
	case wire.Stats:
		if !v.full {
			return v.dialect.AppendStats(out, &v.figures)
		}
		return v.dialect.AppendFullStats(out, &v.figures, v.dump, v.table(v.locks.Exclusive()), v.table(v.locks.Shared()))
	}
	return out
}

// appendPairs appends the lines of d and sd.
func (v *view) appendPairs(out []byte, holdings iter.Seq2[string, lock.Conn]) []byte {
	for name, holder := range v.table(holdings) {
		out = v.dialect.AppendPair(out, name, holder)
	}
	return out
}

// table converts holdings to a table for package wire.
func (v *view) table(holdings iter.Seq2[string, lock.Conn]) wire.Table {
	return func(yield func(string, string) bool) {
		for name, holder := range holdings {
			if !yield(name, v.holders[holder]) {
				return
			}
		}
	}
}

// address returns how a connection is shown in dump, which never shows registered
// names (DUMP-5).
func (c *conn) address() string { return c.addr }
