package core

import (
	"lockd/lock"
	"lockd/wire"
)

// take answers the input of a connection: a line, a line over the limit (BAD-3), or
// another protocol (BAD-7). cost is what it counts for in a batch, in bytes, besides
// the reply.
func (c *Core) take(from *conn, line []byte, split wire.Split, out []byte, fx *Effects) (_ []byte, cost int) {
	switch split {
	case wire.WholeLine:
		return c.execute(from, line, out, fx)
	case wire.LongLine:
		c.measures.Long++
		return c.config.Dialect.AppendTooLong(out), 0
	default:
		c.measures.Foreign++
		return c.config.Dialect.AppendForeign(out, split), 0
	}
}

// execute runs one line of a connection and appends its reply; cost is as for take. Those
// that it serves are in fx.
func (c *Core) execute(from *conn, line, out []byte, fx *Effects) (_ []byte, cost int) {
	r := c.parser.Parse(line)
	if r.Command == wire.Blank {
		return out, 0 // LINE-8
	}
	dialect := c.config.Dialect
	if !dialect.Has(r.Command) {
		c.measures.Invalid++
		if c.config.AnswerInvalid {
			out = dialect.AppendInvalid(out, r.Word) // BAD-2
		}
		return out, 0 // BAD-1
	}
	if showsTables(r) {
		return c.show(from, r, out)
	}
	switch r.Command {
	case wire.Stats:
		c.count(r.Command, done)
		if c.mustWait(r, 0) {
			c.dumps.ask(from, r)
			return out, 0
		}
		f := c.statistics()
		return dialect.AppendStats(out, &f), 0
	case wire.Me:
		c.count(r.Command, done)
		return dialect.AppendMe(out, from.addr, from.holder()), 0
	case wire.Iam:
		return c.iam(from, r.Name, out), 0
	case wire.Version:
		c.count(r.Command, done)
		return c.version(out), 0
	case wire.Wait, wire.GetBounded:
		return c.acquire(from, r, out), 0
	case wire.Token, wire.SharedToken:
		return c.token(lock.Conn(from.id), r, out), 0
	case wire.Kill:
		return c.kill(from, r, out, fx)
	}
	return c.lockCommand(lock.Conn(from.id), r, out, fx), 0
}

// lockCommand runs one of the six commands on locks.
func (c *Core) lockCommand(from lock.Conn, r wire.Request, out []byte, fx *Effects) []byte {
	n, outcome := 0, lock.Granted
	switch r.Command {
	case wire.Get:
		outcome = c.machine.Get(from, r.Name)
		n = number(outcome == lock.Granted)
		c.countAcquisition(r.Command, false, outcome)
	case wire.Release:
		n = number(c.machine.Release(from, r.Name))
		c.countAnswer(r.Command, n, released, refused)
	case wire.Inspect:
		_, isHeld := c.machine.Holder(r.Name)
		n = number(isHeld)
		c.countAnswer(r.Command, n, held, free)
	case wire.GetShared:
		n, outcome = c.machine.GetShared(from, r.Name)
		c.countAcquisition(r.Command, true, outcome)
	case wire.ReleaseShared:
		n = number(c.machine.ReleaseShared(from, r.Name))
		c.countAnswer(r.Command, n, released, refused)
	case wire.InspectShared:
		n = c.machine.Holders(r.Name)
		c.countAnswer(r.Command, n, held, free)
	}
	if c.config.Events {
		c.lockEvent(from, r, n, outcome)
	}
	if c.machine.Touched() {
		c.serve(fx)
	}
	if outcome == lock.Limited {
		return c.config.Dialect.AppendLimit(out, r.Name) // BAD-5
	}
	return c.config.Dialect.AppendLock(out, r.Command, n, r.Name)
}

// version answers v (VERSION-1).
func (c *Core) version(out []byte) []byte {
	features := []string{"wait", "bound", "token"}
	if c.config.Dump {
		features = append(features, "list")
	}
	if c.config.Kill {
		features = append(features, "kill")
	}
	return c.config.Dialect.AppendVersion(out, c.config.Version, features...)
}

// token answers t and st (TOKEN-2).
func (c *Core) token(from lock.Conn, r wire.Request, out []byte) []byte {
	find := c.machine.Token
	if r.Command == wire.SharedToken {
		find = c.machine.SharedToken
	}
	if token, isHeld := find(from, r.Name); isHeld {
		c.count(r.Command, held)
		return c.config.Dialect.AppendToken(out, uint64(token), r.Name)
	}
	c.count(r.Command, refused)
	return c.config.Dialect.AppendRefusal(out, wire.NotHeld, r.Name)
}

// TokenAt returns the first token of a moment (TOKEN-4).
func TokenAt(now Time) uint64 { return uint64(lock.TokenAt(int64(now / Millisecond))) }

// LastToken returns the last token that was given out (TOKEN-4).
func (c *Core) LastToken() uint64 { return uint64(c.machine.LastToken()) }

// number converts a yes or no to a number (REPLY-2).
func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// iam registers or removes a name (IAM-1 to IAM-3).
func (c *Core) iam(from *conn, name, out []byte) []byte {
	switch {
	case !c.config.Registry || from.proved: // IAM-3
		c.count(wire.Iam, disabled)
		return c.config.Dialect.AppendDisabled(out)
	case len(name) == 0:
		c.names.remove(from)
	default:
		c.names.set(from, string(name))
	}
	c.weigh(from)
	c.count(wire.Iam, done)
	return c.config.Dialect.AppendOK(out)
}

// statistics returns the current statistics (STATS-1 to STATS-8).
func (c *Core) statistics() wire.Figures {
	f := wire.Figures{PID: c.config.PID, Orphans: c.measures.Exclusive.Orphans, SharedOrphans: c.measures.Shared.Orphans}
	f.Connections = len(c.conns)
	f.Locks = c.machine.ExclusiveLocks()
	f.SharedLocks = c.machine.SharedLocks()
	for command := range wire.NumCommands {
		f.Commands[command] = c.executed(command)
	}
	return f
}
