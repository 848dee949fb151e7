package core

import (
	"lockd/lock"
	"lockd/wire"
)

// listSize is size for l and lw. A reply to one with a prefix may be much smaller, so it
// is never too large as far as is known before it is made.
func (c *Core) listSize(r wire.Request) (lines, bytes int) {
	exclusive, shared := c.machine.ExclusiveSize(), c.machine.SharedSize()
	if r.Command == wire.ListWaiters {
		exclusive, shared = c.machine.WaitingSize(), lock.Size{}
	}
	lines = exclusive.Holdings + shared.Holdings
	texts := 0
	for _, s := range []lock.Size{exclusive, shared} {
		texts += s.RepeatedBytes + s.HolderBytes[asHolder] + s.HolderBytes[asAddress]
	}
	bytes = listHead + len(r.Name) + wire.ListedBytes(lines, texts)
	if len(r.Name) > 0 {
		bytes = min(bytes, c.maxReply)
	}
	return lines, bytes
}

// listHead is the most bytes of the first line of a list, besides the prefix.
const listHead = 64

// lookList takes the view for l or lw.
func (c *Core) lookList(v *view, r wire.Request) {
	v.prefix, v.now = string(r.Name), int64(c.now/Millisecond)
	if r.Command == wire.List {
		c.machine.SnapshotHoldings(&v.locks)
	} else {
		c.machine.SnapshotWaiters(&v.locks)
	}
	if v.addrs == nil {
		v.addrs = make(map[lock.Conn]string, len(v.locks.Holders()))
	}
	clear(v.addrs)
	for _, holder := range v.locks.Holders() {
		v.addrs[holder] = c.conns[ID(holder)].addr
	}
}

func (v *view) isList() bool { return v.command == wire.List || v.command == wire.ListWaiters }

// listBytes returns the most bytes that the list takes.
func (v *view) listBytes() int {
	v.locks.Keep(v.prefix)
	texts := 0
	for name, conn := range v.locks.Conns() {
		texts += len(name) + len(v.addrs[conn]) + len(v.holders[conn])
	}
	return listHead + len(v.prefix) + wire.ListedBytes(v.locks.Count(), texts)
}

// appendList appends the reply to l or lw (LIST-1, LIST-3).
func (v *view) appendList(out []byte) []byte {
	v.locks.Keep(v.prefix)
	out = v.dialect.AppendListHead(out, v.command, 1+v.locks.Count(), []byte(v.prefix))
	if v.command == wire.List {
		for h := range v.locks.Holdings() {
			l := v.listed(h.Lock, h.Holder, h.Token, h.Bound)
			l.Token, l.Waiters = uint64(h.Token), h.Waiters
			out = v.dialect.AppendListed(out, v.command, l)
		}
		return out
	}
	for w := range v.locks.Waiters() {
		l := v.listed(w.Lock, w.Conn, w.Ticket, w.Bound)
		l.Place = w.Place
		out = v.dialect.AppendListed(out, v.command, l)
	}
	return out
}

// listed returns what the lines of both lists have in common. since is when it began.
func (v *view) listed(l lock.Lock, conn lock.Conn, since lock.Token, bound int) wire.Listed {
	if !l.Shared || bound == lock.Unbounded {
		bound = wire.NoBound
	}
	return wire.Listed{
		Shared: l.Shared, Age: max(0, v.now-since.Millisecond()), Bound: bound,
		Conn: uint64(conn), Addr: v.addrs[conn], Holder: v.holders[conn], Name: l.Name,
	}
}
