package core

import (
	"lockd/lock"
	"lockd/wire"
)

// maxDump is the size in bytes from which a dump is refused (DUMP-10): names may
// be long and are repeated, so that a small table can make a reply that takes all
// memory, and all time of the one mutex. It is enough for a million locks with
// names of some 40 bytes.
const maxDump = 64 << 20

// bounded makes a dump with show, which ranges over tables, and refuses it if
// they were cut short.
func (c *Core) bounded(out []byte, show func([]byte) []byte) []byte {
	start := len(out)
	c.shown = 0
	if out = show(out); c.shown > c.maxDump {
		return c.config.Dialect.AppendTooLarge(out[:start])
	}
	return out
}

// fits says whether a table can show that much more.
func (c *Core) fits(name, holder string) bool {
	const around = 40 // bytes that a dialect puts around them, at the most
	c.shown += len(name) + len(holder) + around
	return c.shown <= c.maxDump
}

// stats answers q and q full (STATS-1 to STATS-9).
func (c *Core) stats(full bool, out []byte) []byte {
	f := c.figures
	f.PID = c.config.PID
	f.Connections = len(c.conns)
	f.Locks = c.machine.ExclusiveLocks()
	f.SharedLocks = c.machine.SharedLocks()
	if !full {
		return c.config.Dialect.AppendStats(out, &f)
	}
	return c.bounded(out, func(out []byte) []byte {
		return c.config.Dialect.AppendFullStats(out, &f, c.config.Dump,
			c.table(c.machine.SnapshotExclusive, (*conn).address),
			c.table(c.machine.SnapshotShared, (*conn).address))
	})
}

// dump answers d, sd and dump (DUMP-1 to DUMP-9).
func (c *Core) dump(r wire.Request, out []byte) []byte {
	dialect := c.config.Dialect
	if !c.config.Dump {
		return dialect.AppendDisabled(out)
	}
	return c.bounded(out, func(out []byte) []byte {
		if r.Op == wire.Dump {
			if string(r.Name) == "shared" {
				return dialect.AppendDumpShared(out, c.table(c.machine.SnapshotShared, (*conn).address))
			}
			return dialect.AppendDump(out, c.table(c.machine.SnapshotExclusive, (*conn).address))
		}
		for name, holder := range c.table(c.holders(r), (*conn).holder) {
			out = dialect.AppendPair(out, name, holder)
		}
		return out
	})
}

// holders returns what d and sd show: one lock if they have a name, else the
// table.
func (c *Core) holders(r wire.Request) func() []lock.Holding {
	switch {
	case r.Op == wire.Holders && len(r.Name) == 0:
		return c.machine.SnapshotExclusive
	case r.Op == wire.SharedHolders && len(r.Name) == 0:
		return c.machine.SnapshotShared
	case r.Op == wire.SharedHolders:
		return func() []lock.Holding { return c.machine.SnapshotHolders(r.Name) }
	}
	return func() []lock.Holding {
		holder, held := c.machine.Holder(r.Name)
		if !held {
			return nil
		}
		return []lock.Holding{{Name: string(r.Name), Holder: holder}}
	}
}

// table takes a snapshot when it is ranged over, and shows each holder as show
// does.
func (c *Core) table(snapshot func() []lock.Holding, show func(*conn) string) wire.Table {
	return func(yield func(string, string) bool) {
		for _, h := range snapshot() {
			holder := show(c.conns[ID(h.Holder)])
			if !c.fits(h.Name, holder) || !yield(h.Name, holder) {
				return
			}
		}
	}
}

// address is how a connection is shown in dump, which never shows names
// (DUMP-5).
func (c *conn) address() string { return c.addr }
