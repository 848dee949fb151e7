package loop

import (
	"lockd/server/core"
	"lockd/server/hub"
	"lockd/server/life"
)

const (
	// readSize is the size in bytes of a read. A larger one lets a client that
	// never stops sending take more of everybody's time: beside twenty of them a
	// polite one waits for 6 ms at 16 KiB, 17 at 64.
	readSize = 16 << 10
	// eventsPerTurn is how many connections are let go on in one turn.
	eventsPerTurn = 128
)

// Observer is told what happens to connections, by any loop.
type Observer interface {
	// Opened tells of a connection that was admitted.
	Opened(core.ID, core.Peer)
	// Refused tells of one that was not (BAD-4).
	Refused(core.Peer)
	// Released tells how a connection ended, and how many locks that released.
	Released(core.ID, life.End, core.Orphans)
	// Closed tells that its socket is closed.
	Closed(core.ID)
	// NotAccepted tells of an accept that failed, and when it is tried again.
	NotAccepted(err error, pause core.Time)
}

// Loop serves connections. Make one with New. Its methods but Listen, Stop and
// Drop are for the one goroutine that calls Turn.
type Loop struct {
	kernel    Kernel
	hub       *hub.Hub
	inbox     *hub.Inbox
	limits    *life.Limits
	observer  Observer
	keeper    bool // calls Hub.Tick
	mostBrief int
	others    []*Loop // that connections are shared out to, in turn; itself too
	next      int     // in others

	now       core.Time // of this turn
	events    [eventsPerTurn]Event
	buf       [readSize]byte
	fx        core.Effects
	ended     core.Effects // of connections that end, while fx is in use
	slots     slots
	timers    timers
	listeners []*listener
	again     []*conn // have input that was not executed yet
	executing *conn   // is in the middle of execute
	closing   []*conn // to be closed at the end of the turn
	brief     []*conn // those that are told why they are not served, the oldest first; some may have ended
	tasks     []func()
	stopping  bool
	dropping  bool // Drop was called
}

// Config holds what a Loop is made with.
type Config struct {
	Kernel   Kernel
	Hub      *hub.Hub
	Limits   *life.Limits // shared; must not change
	Observer Observer     // nil is nobody
	// MostBrief is how many connections that are told why they are not served (BAD-4,
	// BAD-7) may be open at a time; then the oldest is closed. 0 is no bound.
	MostBrief int
}

// New returns a Loop without connections.
func New(c Config) *Loop {
	l := &Loop{kernel: c.Kernel, hub: c.Hub, limits: c.Limits, observer: c.Observer, mostBrief: c.MostBrief}
	if l.observer == nil {
		l.observer = nobody{}
	}
	l.inbox = hub.NewInbox(c.Kernel.Wake)
	l.others = []*Loop{l}
	return l
}

// Lead makes the first of some loops the one that accepts for all of them, and
// that calls Hub.Tick. It must be called before any turn.
func Lead(loops []*Loop) {
	loops[0].others = loops
	loops[0].keeper = true
	loops[0].hub.Keep(loops[0].kernel.Wake)
}

// Turn waits until something is ready, and lets everything that is go on. It
// returns false when the loop was stopped and nothing is left.
func (l *Loop) Turn() bool {
	n := l.kernel.Wait(l.events[:], l.until())
	l.now = l.kernel.Now()
	again := l.again
	l.again = nil
	for _, e := range l.events[:n] {
		l.event(e)
	}
	for _, c := range again {
		c.queued = false
		l.advance(c, 0)
	}
	if l.inbox.Some() {
		l.hub.Collect(l.inbox)
		l.mail()
	}
	l.runTasks()
	l.expire()
	l.tick()
	l.resume()
	l.closeAll()
	return !l.stopping || l.slots.used > 0
}

// closeAll closes the descriptors of the connections that ended in this turn.
func (l *Loop) closeAll() {
	for i, c := range l.closing {
		l.kernel.Close(c.fd)
		l.closing[i] = nil
		if c.id != 0 {
			l.observer.Closed(c.id)
		}
	}
	l.closing = l.closing[:0]
}

// until is the moment at which a turn is due without any event.
func (l *Loop) until() core.Time {
	if len(l.again) > 0 || l.inbox.Some() {
		return 0
	}
	until := l.timers.first()
	for _, listener := range l.listeners {
		until = min(until, listener.retry)
	}
	if l.keeper {
		until = min(until, l.hub.Alarm())
	}
	return until
}

// event lets the connection or listener of an event go on.
func (l *Loop) event(e Event) {
	switch s := l.slots.of(e.Token).(type) {
	case *conn:
		l.advance(s, e.Ready)
	case *listener:
		l.accept(s)
	}
}

// tick lets Core do what has become due.
func (l *Loop) tick() {
	if l.keeper && l.now >= l.hub.Alarm() {
		l.hub.Tick(l.now, l.inbox, &l.fx)
		l.mail()
	}
}

// mail does what was taken out of the inbox.
func (l *Loop) mail() {
	l.inbox.Taken(func(item hub.Item) {
		switch c, ok := item.Owner.(*conn); {
		case item.Run != nil:
			l.tasks = append(l.tasks, item.Run)
		case !ok:
		case item.New():
			peer := c.wait().peer
			c.forget()
			l.attach(c, peer)
		case c.life.End() == life.Open:
			l.told(c, item)
		}
	})
}

// told sends what others have caused, and lets a connection go on that has waited
// for it.
func (l *Loop) told(c *conn, item hub.Item) {
	if len(item.Data) > 0 {
		c.life.Owe(l.now)
		l.send(c, item.Data, item.Resumed)
	}
	if item.Resumed {
		c.life.Resumed(l.now)
	}
	switch {
	case c == l.executing:
	case c.life.Step() == life.Execute:
		l.later(c) // another may be in the middle of that
	default:
		l.advance(c, 0)
	}
}

// runTasks runs what others have asked for, which may end connections, where no
// connection is in the middle of a step.
func (l *Loop) runTasks() {
	for len(l.tasks) > 0 {
		task := l.tasks[0]
		l.tasks = l.tasks[1:]
		task()
	}
	l.tasks = nil
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Opened(core.ID, core.Peer)                {}
func (nobody) Refused(core.Peer)                        {}
func (nobody) Released(core.ID, life.End, core.Orphans) {}
func (nobody) Closed(core.ID)                           {}
func (nobody) NotAccepted(err error, pause core.Time)   {}
