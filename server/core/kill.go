package core

import (
	"lockd/lock"
	"lockd/wire"
)

// The cost of k in a batch, in bytes: that of a connection, and of each of its holdings.
const (
	killCost    = 128
	holdingCost = 8
)

// kill runs k: it ends a connection as if it had been dropped, and its locks with it.
// cost is as for take.
func (c *Core) kill(from *conn, r wire.Request, out []byte, fx *Effects) (_ []byte, cost int) {
	dialect := c.config.Dialect
	if len(r.Name) == 0 {
		c.count(r.Command, done)
		return dialect.AppendThisConnection(out, uint64(from.id)), 0 // KILL-4
	}
	if !c.config.Kill {
		c.count(r.Command, disabled)
		return dialect.AppendDisabled(out), 0 // KILL-2
	}
	k, ok := wire.ParseKill(r)
	if !ok {
		c.count(r.Command, misused)
		return dialect.AppendUsage(out, r), 0
	}
	id := ID(k.Conn)
	victim := c.conns[id]
	cost = killCost
	if victim != nil && k.WithToken {
		cost += c.machine.Holdings(lock.Conn(id))
		if !c.machine.Holds(lock.Conn(id), lock.Token(k.Token)) {
			victim = nil
		}
	}
	if victim == nil {
		c.count(r.Command, refused)
		return dialect.AppendKilled(out, false, k.Conn), cost
	}
	c.count(r.Command, done)
	orphans := c.end(victim)
	c.killed[id] = orphans
	c.waitEvent(Killed, id, false, "")
	c.serve(fx)
	if victim == from {
		from.wait = &wait{conn: from, killed: true} // KILL-3
	} else {
		fx.Drop(id)
	}
	cost += holdingCost * min(orphans.Exclusive+orphans.Shared, outputBatch)
	return dialect.AppendKilled(out, true, k.Conn), cost
}
