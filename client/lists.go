package client

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"lockd/wire"
)

// Holder is who holds a lock. A server without the extended level tells only the table,
// the name of the lock and the Holder.
type Holder struct {
	Name    string
	Shared  bool
	Held    time.Duration // for how long; negative: not known
	Token   uint64        // of the grant; 0: not known
	Waiters int           // how many wait for the lock
	Bound   int           // as in AcquireShared; negative: none, as of an exclusive lock
	Conn    uint64        // the number of its connection; 0: not known
	Addr    string        // of its connection
	Holder  string        // its registered name, else Addr
}

// Waiter is who waits for a lock.
type Waiter struct {
	Name   string
	Shared bool
	Waited time.Duration // for how long
	Place  int           // in the queue of the lock, from 1
	Bound  int           // as in Holder
	Conn   uint64
	Addr   string
	Waiter string // its registered name, else Addr
}

// Named is a connection that has registered a name.
type Named struct {
	Addr string
	Name string
}

// Stats are the statistics of a server. The classic dialect counts the names and the
// orphans of both tables together, in Locks and Orphans.
type Stats struct {
	Connections   uint64            // open ones, the asking one included
	Locks         uint64            // names that are held exclusively
	SharedLocks   uint64            // names that have a shared holder
	Orphans       uint64            // exclusive locks that ended with their connection
	SharedOrphans uint64            // shared ones, each holder counted
	Invalid       uint64            // lines that are no command
	Commands      map[string]uint64 // by their words
}

// Holders returns who holds the locks whose names begin with prefix: exclusive ones
// first, each table by name. It needs the dump feature, else it returns ErrDisabled.
func (s *Session) Holders(ctx context.Context, prefix string) ([]Holder, error) {
	all, err := s.holders(ctx, prefix)
	return all, s.error("list holders", prefix, err)
}

func (s *Session) holders(ctx context.Context, prefix string) ([]Holder, error) {
	prefix, err := s.lockName(prefix)
	if err != nil {
		return nil, err
	}
	var all []Holder
	switch {
	case s.conn.level.extended:
		lines, err := s.conn.list(ctx, wire.List, prefix)
		for _, l := range lines {
			all = append(all, Holder{l.Name, l.Shared, milliseconds(l.Age), l.Token, l.Waiters, l.Bound, l.Conn, l.Addr, l.Holder})
		}
		return all, err
	case s.conn.level.classic:
		lines, err := s.conn.array(ctx, "full", 2)
		return fromArrays(lines, prefix), err
	}
	for _, command := range []wire.Command{wire.Holders, wire.SharedHolders} {
		lines, err := s.conn.lines(ctx, command, "")
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			at := strings.LastIndex(line, ": ")
			if at < 0 {
				return nil, fmt.Errorf("%.80q in a list: %w", line, ErrNotLockd)
			}
			h := Holder{Name: line[:at], Holder: line[at+2:], Shared: command == wire.SharedHolders, Held: -1, Bound: wire.NoBound}
			if strings.HasPrefix(h.Name, prefix) {
				all = append(all, h)
			}
		}
	}
	return all, nil
}

// milliseconds converts an age, up to the longest duration.
func milliseconds(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// fromArrays reads the tables of q full in the classic dialect (CLASSIC-5).
func fromArrays(lines []string, prefix string) []Holder {
	var all []Holder
	shared, name := false, ""
	for _, line := range lines {
		key, value, found := strings.Cut(strings.TrimLeft(line, " "), "] => ")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		key = strings.TrimPrefix(key, "[")
		switch {
		case !found:
		case indent == 4:
			shared = key == "shares"
		case indent == 12 && shared:
			name = key
		case indent >= 12:
			h := Holder{Name: key, Holder: value, Addr: value, Shared: shared, Held: -1, Bound: wire.NoBound}
			if shared {
				h.Name = name
			}
			if strings.HasPrefix(h.Name, prefix) {
				all = append(all, h)
			}
		}
	}
	return all
}

// Waiters returns who waits for the locks whose names begin with prefix, exclusive ones
// first, each table by name, each queue from its front. It needs the extended level and
// the dump feature.
func (s *Session) Waiters(ctx context.Context, prefix string) ([]Waiter, error) {
	clean, err := s.lockName(prefix)
	if err != nil {
		return nil, s.error("list waiters", prefix, err)
	}
	if !s.conn.level.extended {
		return nil, s.error("list waiters", prefix, ErrUnsupported)
	}
	lines, err := s.conn.list(ctx, wire.ListWaiters, clean)
	var all []Waiter
	for _, l := range lines {
		all = append(all, Waiter{l.Name, l.Shared, milliseconds(l.Age), l.Place, l.Bound, l.Conn, l.Addr, l.Holder})
	}
	return all, s.error("list waiters", prefix, err)
}

// Who returns the connections that have registered a name, in the order in which they did
// so. It needs the registry and the dump feature.
func (s *Session) Who(ctx context.Context) ([]Named, error) {
	if s.conn.level.classic {
		return nil, s.error("list names", "", ErrUnsupported)
	}
	lines, err := s.conn.lines(ctx, wire.Who, "")
	var all []Named
	for _, line := range lines {
		if addr, name, found := strings.Cut(line, ": "); found {
			all = append(all, Named{addr, name})
		}
	}
	return all, s.error("list names", "", err)
}

// Stats returns the statistics of the server.
func (s *Session) Stats(ctx context.Context) (*Stats, error) {
	stats, err := s.stats(ctx)
	return stats, s.error("get statistics", "", err)
}

func (s *Session) stats(ctx context.Context) (*Stats, error) {
	var lines []string
	var err error
	if s.conn.level.classic {
		lines, err = s.conn.array(ctx, "", 1)
	} else {
		lines, err = s.conn.lines(ctx, wire.Stats, "")
	}
	if err != nil {
		return nil, err
	}
	stats := &Stats{Commands: map[string]uint64{}}
	for _, line := range lines {
		key, value, found := strings.Cut(line, ": ")
		if s.conn.level.classic {
			key, value, found = strings.Cut(strings.TrimPrefix(strings.TrimLeft(line, " "), "["), "] => ")
		}
		n, err := strconv.ParseUint(value, 10, 64)
		if !found || err != nil {
			continue // of another member, or a parenthesis
		}
		switch key {
		case "connections", "conns":
			stats.Connections = n
		case "locks":
			stats.Locks = n
		case "shared_locks":
			stats.SharedLocks = n
		case "orphans":
			stats.Orphans = n
		case "shared_orphans":
			stats.SharedOrphans = n
		case "invalid_commands":
			stats.Invalid = n
		}
		if word, found := strings.CutPrefix(key, "command_"); found {
			stats.Commands[word] = n
		}
	}
	return stats, nil
}
