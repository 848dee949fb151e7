package core

import (
	"lockd/lock"
	"lockd/wire"
)

// EventKind is the kind of an Event.
type EventKind uint8

const (
	// Got is a granted acquisition, including one by the holder of the lock.
	Got EventKind = iota
	// Refused is a refused one: another connection holds the lock, or the dialect
	// does not grant it to its holder again.
	Refused
	// Limited is one that would have exceeded Config.MaxLocks (BAD-5).
	Limited
	// Released is a release by the holder.
	Released
	// Orphaned is a release by the end of the holder's connection.
	Orphaned
	// Queued is the beginning of a wait (WAIT-1).
	Queued
	// TimedOut is the end of a wait by its deadline (WAIT-4).
	TimedOut
	// Cancelled is the end of a wait by the end of the stream (WAIT-6), or since the
	// server stops (WAIT-7).
	Cancelled
	// Killed is the end of the connection by a command (KILL-1). It has no name.
	Killed
)

// mostOrphanEvents is the maximum number of Orphaned events of either table for the
// end of a connection, which may hold a million locks.
const mostOrphanEvents = 100

// Event is something that happened to a lock, for the log.
type Event struct {
	Kind   EventKind
	Shared bool
	Conn   ID
	Name   string
	Holder ID  // of an exclusive lock, if it was refused
	Count  int // of holders, if the lock was got
}

// Events returns what happened, in order, if Config.Events is set.
func (e *Effects) Events() []Event { return e.events }

// lockEvent records the outcome of a command on a lock.
func (c *Core) lockEvent(from lock.Conn, r wire.Request, n int, outcome lock.Outcome) {
	e := Event{Conn: ID(from), Name: string(r.Name), Shared: r.Command == wire.GetShared || r.Command == wire.ReleaseShared}
	switch r.Command {
	case wire.Get, wire.GetShared:
		switch outcome {
		case lock.Granted:
			e.Kind, e.Count = Got, n
		case lock.Limited:
			e.Kind = Limited
		default:
			e.Kind = Refused
			if holder, held := c.machine.Holder(r.Name); held {
				e.Holder = ID(holder)
			}
		}
	case wire.Release, wire.ReleaseShared:
		if n == 0 {
			return
		}
		e.Kind = Released
	default:
		return
	}
	c.events = append(c.events, e)
}

// waitEvent records an event of a connection that waits, or is killed.
func (c *Core) waitEvent(kind EventKind, id ID, shared bool, name string) {
	if c.config.Events {
		c.events = append(c.events, Event{Kind: kind, Conn: id, Shared: shared, Name: name})
	}
}

// orphanEvents records what the end of a connection is about to release.
func (c *Core) orphanEvents(id ID) {
	exclusive, shared := c.machine.Held(lock.Conn(id), mostOrphanEvents)
	for _, name := range exclusive {
		c.events = append(c.events, Event{Kind: Orphaned, Conn: id, Name: name})
	}
	for _, name := range shared {
		c.events = append(c.events, Event{Kind: Orphaned, Shared: true, Conn: id, Name: name})
	}
}

// handEvents moves the recorded events to fx.
func (c *Core) handEvents(fx *Effects) {
	if len(c.events) > 0 {
		fx.events = append(fx.events, c.events...)
		c.events = c.events[:0]
	}
}
