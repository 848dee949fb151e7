package core

import (
	"lockd/lock"
	"lockd/wire"
)

// largestReply is the size in bytes beyond which a dump is refused (DUMP-10): names may
// be long and are repeated, so that even a small table could make a reply that takes all
// memory. It is enough for a million locks with names of some 40 bytes.
const largestReply = 64 << 20

// A dump of no more lines and bytes than these is made at once: it costs no more than
// a batch of other commands.
const (
	smallLines = 256
	smallBytes = 16 << 10
	// smallHolders is how many connections that hold something may be looked at for a
	// small dump, including those that hold nothing in the table that it shows.
	smallHolders = 1024
)

// tableCost and holderCost are the bytes that a small dump, and each connection that
// holds something, count for in a batch (REPLY-5): even an empty dump costs time.
const (
	tableCost  = 512
	holderCost = 16
)

// showsTables says whether the reply to a command shows tables, which may be large.
func showsTables(r wire.Request) bool {
	switch r.Command {
	case wire.Stats:
		return string(r.Name) == "full"
	case wire.Holders, wire.SharedHolders, wire.Dump, wire.Who, wire.List, wire.ListWaiters:
		return true
	}
	return false
}

// show answers a command that shows tables: at once if they are small, else later, and
// the connection waits. If the feature is off, or the reply would be too large, it
// answers at once (DUMP-9, DUMP-10, WHO-3). cost is as for take.
func (c *Core) show(from *conn, r wire.Request, out []byte) (_ []byte, cost int) {
	dialect := c.config.Dialect
	switch {
	case r.Command == wire.Who && !c.config.Registry, r.Command != wire.Stats && !c.config.Dump:
		c.count(r.Command, disabled)
		return dialect.AppendDisabled(out), 0
	}
	c.count(r.Command, done)
	switch {
	case r.Command == wire.Holders && len(r.Name) > 0:
		if holder, held := c.machine.Holder(r.Name); held {
			out = dialect.AppendPair(out, string(r.Name), c.conns[ID(holder)].holder())
		}
		return out, 0
	}
	lines, bytes := c.size(r)
	switch {
	case c.mustWait(r, bytes):
	case bytes > c.maxReply:
		return dialect.AppendTooLarge(out), 0
	case lines <= c.config.SmallDump && bytes <= smallBytes && (lines == 0 || c.machine.HoldingConns() <= smallHolders):
		cost = tableCost
		if lines > 0 {
			cost += holderCost * c.machine.HoldingConns()
		}
		c.look(&c.small, r)
		return c.small.appendTo(out), cost
	}
	c.dumps.ask(from, r)
	return out, 0
}

// mustWait says whether a reply of at most so many bytes needs figures that are exact
// only after the holdings of ended connections are cleared.
func (c *Core) mustWait(r wire.Request, bytes int) bool {
	return r.Command == wire.Stats && !c.machine.Exact() || bytes > c.maxReply && c.machine.Uncleared()
}

// size returns the size of a reply: lines, or pairs on a line, and at most how many
// bytes. It takes constant time: a long list of holders of one lock is not measured;
// each holder counts as a byte.
func (c *Core) size(r wire.Request) (lines, bytes int) {
	exclusive, shared := c.machine.ExclusiveSize(), c.machine.SharedSize()
	switch r.Command {
	case wire.Who:
		return c.names.size(r.Name)
	case wire.List, wire.ListWaiters:
		return c.listSize(r)
	case wire.Holders:
		shared = lock.Size{}
	case wire.SharedHolders:
		exclusive = lock.Size{}
		if len(r.Name) == 0 {
			break
		}
		if n := c.machine.Holders(r.Name); n > c.config.SmallDump {
			return n, n * (len(r.Name) + len(": x\n"))
		}
		shared = c.machine.HoldersSize(r.Name)
	case wire.Dump:
		if string(r.Name) == "shared" {
			exclusive = lock.Size{}
		} else {
			shared = lock.Size{}
		}
	case wire.Stats:
		if string(r.Name) != "full" || c.config.Dialect != wire.Classic && !c.config.Dump {
			exclusive, shared = lock.Size{}, lock.Size{}
		}
	}
	return exclusive.Holdings + shared.Holdings, c.shownBytes(r.Command, exclusive, shared)
}

// measured returns the size of a reply in bytes, and measures what size does not.
func (c *Core) measured(r wire.Request) int {
	if r.Command == wire.SharedHolders && len(r.Name) > 0 {
		return c.shownBytes(r.Command, lock.Size{}, c.machine.HoldersSize(r.Name))
	}
	_, bytes := c.size(r)
	return bytes
}

// shownBytes returns the maximum number of bytes in which a command shows tables of
// that size: names, holders, and separators.
func (c *Core) shownBytes(command wire.Command, exclusive, shared lock.Size) int {
	const figures = 2 << 10 // the figures of q, and the frame of the tables
	const lines = len("map[]\nmap[]\n")
	switch {
	case command != wire.Dump && command != wire.Stats: // NAME: HOLDER
		return exclusive.RepeatedBytes + exclusive.HolderBytes[asHolder] + 3*exclusive.Holdings +
			shared.RepeatedBytes + shared.HolderBytes[asHolder] + 3*shared.Holdings
	case c.config.Dialect == wire.Classic: // lines of print_r, indented
		return figures + exclusive.NameBytes + exclusive.HolderBytes[asAddress] + 20*exclusive.Holdings +
			shared.NameBytes + shared.HolderBytes[asAddress] + 65*shared.Names + 38*shared.Holdings
	}
	bytes := lines + exclusive.NameBytes + exclusive.HolderBytes[asAddress] + 2*exclusive.Holdings + // NAME:ADDR
		shared.NameBytes + shared.HolderBytes[asAddress] + 3*shared.Names + shared.Holdings // NAME:[ADDR ADDR]
	if command == wire.Stats {
		bytes += figures
	}
	return bytes
}

// asHolder and asAddress are the two ways of showing a connection.
const (
	asHolder = iota
	asAddress
)

// weigh sets the weight of a connection in the lock machine.
func (c *Core) weigh(conn *conn) {
	c.machine.Weigh(lock.Conn(conn.id), lock.Weight{asHolder: len(conn.holder()), asAddress: len(conn.addr)})
}
