package core

import (
	"lockd/lock"
	"lockd/wire"
)

// What is an occurrence in the life of a lock.
type What uint8

const (
	// Got is an acquisition that was granted, also to who holds the lock already.
	Got What = iota
	// Refused is one that was not: another holds the lock, or the dialect does not
	// let its holder get it again.
	Refused
	// Limited is one that would have passed Config.MaxLocks (BAD-5).
	Limited
	// Released is a release by the holder.
	Released
	// Orphaned is a release by the end of the holder's connection.
	Orphaned
)

// mostOrphanEvents is how many Orphaned events of either table the end of a
// connection makes at the most: it may hold a million locks.
const mostOrphanEvents = 100

// Event tells that something happened to a lock, for people.
type Event struct {
	What   What
	Shared bool
	Conn   ID
	Name   string
	Holder ID  // of an exclusive lock that was refused
	Count  int // holders of a lock that was got
}

// Events returns what happened, in order, if Config.Events is set.
func (e *Effects) Events() []Event { return e.events }

// lockEvent notes what came of a command on a lock.
func (c *Core) lockEvent(from lock.Conn, r wire.Request, n int, outcome lock.Outcome) {
	e := Event{Conn: ID(from), Name: string(r.Name), Shared: r.Command == wire.GetShared || r.Command == wire.ReleaseShared}
	switch r.Command {
	case wire.Get, wire.GetShared:
		switch outcome {
		case lock.Granted:
			e.What, e.Count = Got, n
		case lock.Limited:
			e.What = Limited
		default:
			e.What = Refused
			if holder, held := c.machine.Holder(r.Name); held {
				e.Holder = ID(holder)
			}
		}
	case wire.Release, wire.ReleaseShared:
		if n == 0 {
			return
		}
		e.What = Released
	default:
		return
	}
	c.events = append(c.events, e)
}

// orphanEvents notes what the end of a connection is about to release.
func (c *Core) orphanEvents(id ID) {
	exclusive, shared := c.machine.Held(lock.Conn(id), mostOrphanEvents)
	for _, name := range exclusive {
		c.events = append(c.events, Event{What: Orphaned, Conn: id, Name: name})
	}
	for _, name := range shared {
		c.events = append(c.events, Event{What: Orphaned, Shared: true, Conn: id, Name: name})
	}
}

// handEvents hands over what has happened.
func (c *Core) handEvents(fx *Effects) {
	if len(c.events) > 0 {
		fx.events = append(fx.events, c.events...)
		c.events = c.events[:0]
	}
}
