package server

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"lockd/server/core"
	"lockd/server/life"
)

// warningPause is the minimum time between two warnings of refused connections, and
// between two of failed accepts: clients must not be able to fill the log.
const warningPause = time.Minute

// log reports what happens to connections to the logger and to Config.Closed. It is a
// loop.Observer, and safe for concurrent use.
type log struct {
	*slog.Logger
	// verbose says whether the logger takes debug messages. Checking it first keeps
	// the stack of a connection's goroutine small.
	verbose   bool
	limit     int // of connections
	ofAddress int // limit of connections
	closed    func(core.ID)
	// When a refusal, a failed accept, a failed handshake and a panic were last logged.
	refused, failed, strangers, panics occasion

	ended     [life.NumEnds]atomic.Uint64 // connections, by how they ended
	failures  atomic.Uint64               // accepts that failed
	unsecured atomic.Uint64               // handshakes of TLS that failed
}

// occasion is when something was last logged, and how often it has happened since.
type occasion struct {
	last    atomic.Int64 // Unix nanoseconds
	skipped atomic.Uint64
}

// again says whether it may be logged again, and how often it was not since the last time.
func (o *occasion) again() (skipped uint64, yes bool) {
	now, last := time.Now().UnixNano(), o.last.Load()
	if now-last <= int64(warningPause) || !o.last.CompareAndSwap(last, now) {
		o.skipped.Add(1)
		return 0, false
	}
	return o.skipped.Swap(0), true
}

func newLog(c Config) *log {
	l := &log{Logger: c.Logger, limit: c.Core.MaxConnections, ofAddress: c.Core.MaxPerAddress, closed: c.Closed}
	if l.Logger == nil {
		l.Logger = slog.New(slog.DiscardHandler)
	}
	l.verbose = isVerbose(l.Logger)
	return l
}

// isVerbose says whether a logger, which may be nil, takes debug messages.
func isVerbose(l *slog.Logger) bool {
	return l != nil && l.Enabled(context.Background(), slog.LevelDebug)
}

// Opened implements loop.Observer.
func (l *log) Opened(id core.ID, peer core.Peer) {
	if l.verbose {
		l.Debug("connected", "conn", id, "addr", shown(peer), "name", peer.Name)
	}
}

// shown returns a peer as the log shows it.
func shown(peer core.Peer) string {
	return cmp.Or(peer.Addr, peer.Transport.String())
}

// Released implements loop.Observer.
func (l *log) Released(id core.ID, end life.End, orphans core.Orphans) {
	l.ended[end].Add(1)
	if l.verbose {
		l.Debug("disconnected", "conn", id, "end", end.String(), "orphans", orphans.Exclusive, "shared_orphans", orphans.Shared)
	}
}

// maxLoggedName is how many bytes of a lock's name the log shows.
const maxLoggedName = 200

// happened logs an event.
func (l *log) happened(e core.Event) {
	name := e.Name[:min(len(e.Name), maxLoggedName)]
	if len(name) < len(e.Name) {
		name += "..."
	}
	if !utf8.ValidString(name) { // JSON cannot represent it
		name = strconv.Quote(name)
	}
	args := []any{"conn", e.Conn, "name", name}
	switch {
	case e.Kind == core.Got && e.Shared:
		args = append(args, "holders", e.Count)
	case e.Kind == core.Refused && e.Holder != 0:
		args = append(args, "holder", e.Holder)
	}
	kind := "lock "
	if e.Shared {
		kind = "shared lock "
	}
	if e.Kind == core.Killed {
		kind, args = "", args[:2] // it is not about a lock
	}
	l.Debug(kind+whatHappened[e.Kind], args...)
}

var whatHappened = [...]string{
	core.Got: "got", core.Refused: "refused", core.Limited: "refused: too many locks are held", core.Released: "released", core.Orphaned: "orphaned",
	core.Queued: "waited for", core.TimedOut: "wait timed out", core.Cancelled: "wait cancelled", core.Killed: "killed by a command",
}

// Closed implements loop.Observer.
func (l *log) Closed(id core.ID) {
	if l.closed != nil {
		l.closed(id)
	}
}

// Refused implements loop.Observer.
func (l *log) Refused(peer core.Peer) {
	if skipped, yes := l.refused.again(); yes {
		l.Warn("refused a connection: too many are open; more refusals are not logged for a while",
			"addr", shown(peer), "max-connections", l.limit, "max-connections-per-address", l.ofAddress, "pause", warningPause, "not-logged-before", skipped)
	}
}

// handshakeFailed reports a client that did not finish the handshake of TLS. Its text is
// not logged more often, since anybody can cause it.
func (l *log) handshakeFailed(addr string, err error) {
	l.unsecured.Add(1)
	if skipped, yes := l.strangers.again(); yes {
		l.Warn("a TLS handshake failed; more failures are not logged for a while",
			"addr", addr, "error", err, "pause", warningPause, "not-logged-before", skipped)
	} else if l.verbose {
		l.Debug("a TLS handshake failed", "addr", addr, "error", err)
	}
}

// panicked reports a panic of what answers an HTTP request (Server.Handle). It may look at
// Core, and changes nothing there, so that the others are served on.
func (l *log) panicked(text string) {
	if skipped, yes := l.panics.again(); yes {
		l.Error("an HTTP request has met a fault of lockd; please report it; more are not logged for a while",
			"panic", text, "pause", warningPause, "not-logged-before", skipped)
	}
}

// NotAccepted implements loop.Observer.
func (l *log) NotAccepted(err error, pause core.Time) { l.notAccepted(err, time.Duration(pause)) }

func (l *log) notAccepted(err error, pause time.Duration) {
	l.failures.Add(1)
	if skipped, yes := l.failed.again(); yes {
		l.Warn("cannot accept a connection; trying again; more failures are not logged for a while",
			"error", err, "retry", pause, "pause", warningPause, "not-logged-before", skipped)
	}
}
