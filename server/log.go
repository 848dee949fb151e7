package server

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"lockd/server/core"
	"lockd/server/life"
)

// refusalPause is the least time between two warnings of refused connections:
// whoever causes them must not fill the log.
const refusalPause = time.Minute

// log tells the log, and Config.Closed, what happens to connections. It is a
// loop.Observer, and safe for concurrent use.
type log struct {
	*slog.Logger
	// verbose says whether the logger takes debug messages. Asking first keeps
	// the stack of a connection's goroutine small.
	verbose bool
	limit   int // of connections
	closed  func(core.ID)
	warned  atomic.Int64 // when a refusal was logged last, Unix nanoseconds
}

func newLog(c Config) *log {
	l := &log{Logger: c.Logger, limit: c.Core.MaxConnections, closed: c.Closed}
	if l.Logger == nil {
		l.Logger = slog.New(slog.DiscardHandler)
	}
	l.verbose = l.Enabled(context.Background(), slog.LevelDebug)
	return l
}

// Opened implements loop.Observer.
func (l *log) Opened(id core.ID, peer core.Peer) {
	if l.verbose {
		l.Debug("connected", "conn", id, "addr", shown(peer))
	}
}

// shown is how the log shows a peer.
func shown(peer core.Peer) string {
	if peer.Network == core.Unix {
		return core.Unix
	}
	return peer.Addr
}

// Released implements loop.Observer.
func (l *log) Released(id core.ID, end life.End, orphans core.Orphans) {
	if l.verbose {
		l.Debug("disconnected", "conn", id, "end", end.String(), "orphans", orphans.Exclusive, "shared_orphans", orphans.Shared)
	}
}

// Closed implements loop.Observer.
func (l *log) Closed(id core.ID) {
	if l.closed != nil {
		l.closed(id)
	}
}

// Refused implements loop.Observer.
func (l *log) Refused(peer core.Peer) {
	now := time.Now().UnixNano()
	last := l.warned.Load()
	if now-last > int64(refusalPause) && l.warned.CompareAndSwap(last, now) {
		l.Warn("refused a connection: too many are open; more refusals are not logged for a while",
			"addr", shown(peer), "limit", l.limit, "pause", refusalPause)
	}
}

// NotAccepted implements loop.Observer.
func (l *log) NotAccepted(err error, pause core.Time) { l.notAccepted(err, time.Duration(pause)) }

func (l *log) notAccepted(err error, pause time.Duration) {
	l.Warn("cannot accept a connection; trying again", "error", err, "pause", pause)
}
