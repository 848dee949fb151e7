package loop

import (
	"lockd/server/core"
	"lockd/server/hub"
	"lockd/server/life"
)

const (
	// readSize is the size in bytes of a read. With larger reads, clients that
	// never stop sending take more time from the others: beside twenty of them, a
	// client that waits for each reply waits for 6 ms at 16 KiB, 17 at 64.
	readSize = 16 << 10
	// eventsPerTurn is the maximum number of events handled in one turn.
	eventsPerTurn = 128
)

// Observer is notified of what happens to connections. All loops call it.
type Observer interface {
	// Opened reports that a connection was admitted.
	Opened(core.ID, core.Peer)
	// Refused reports that a connection was refused (BAD-4).
	Refused(core.Peer)
	// Released reports how a connection ended, and how many locks that released.
	Released(core.ID, life.End, core.Orphans)
	// Closed reports that the socket of a connection is closed.
	Closed(core.ID)
	// NotAccepted reports a failed accept, and the pause before the next one.
	NotAccepted(err error, pause core.Time)
}

// Loop serves connections. Make one with New. Except for Listen, Stop and Drop, its
// methods are for the one goroutine that calls Turn.
type Loop struct {
	kernel    Kernel
	hub       *hub.Hub
	inbox     *hub.Inbox
	limits    *life.Limits
	observer  Observer
	keeper    bool // calls Hub.Tick
	mostBrief int
	others    []*Loop // the loops that get its accepted connections, in turn; includes itself
	next      int     // in others

	now       core.Time // of this turn
	events    [eventsPerTurn]Event
	buf       [readSize]byte
	fx        core.Effects
	slots     slots
	timers    timers
	listeners []*listener
	again     []*conn // have input to be executed in the next turn
	executing *conn   // between Core's call and its replies, or nil
	marked    []*conn // have to proceed, at the end of the turn
	closing   []*conn // to be closed at the end of the turn
	brief     []*conn // sent a refusal, the oldest first; some may have ended
	tasks     []func()
	stopping  bool
	dropping  bool // Drop was called
}

// Config is the configuration of a Loop.
type Config struct {
	Kernel   Kernel
	Hub      *hub.Hub
	Limits   *life.Limits // shared; must not change
	Observer Observer     // may be nil
	// MostBrief is how many connections that are sent a refusal (BAD-4, BAD-7) may be
	// open at a time; beyond that the oldest is closed. 0 is no bound.
	MostBrief int
}

// New returns a Loop without connections.
func New(c Config) *Loop {
	l := &Loop{kernel: c.Kernel, hub: c.Hub, limits: c.Limits, observer: c.Observer, mostBrief: c.MostBrief}
	if l.observer == nil {
		l.observer = noObserver{}
	}
	l.inbox = hub.NewInbox(c.Kernel.Wake)
	l.others = []*Loop{l}
	return l
}

// Lead makes the first of some loops accept for all of them, and call Hub.Tick. It
// must be called before any turn.
func Lead(loops []*Loop) {
	loops[0].others = loops
	loops[0].keeper = true
	loops[0].hub.OnAlarm(loops[0].kernel.Wake)
}

// Turn waits until something is ready, and handles all that is. It returns false when
// the loop was stopped and nothing is left.
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
		l.deliver()
	}
	l.runTasks()
	l.expire()
	l.tick()
	l.proceed()
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

// until returns the moment at which the next turn is due even without an event.
func (l *Loop) until() core.Time {
	if len(l.again) > 0 || len(l.marked) > 0 || l.inbox.Some() {
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

// event handles an event of a connection or listener.
func (l *Loop) event(e Event) {
	switch s := l.slots.of(e.Token).(type) {
	case *conn:
		l.advance(s, e.Ready)
	case *listener:
		l.accept(s)
	}
}

// tick calls Hub.Tick if it is due.
func (l *Loop) tick() {
	if l.keeper && l.now >= l.hub.Alarm() {
		l.hub.Tick(l.now, l.inbox, &l.fx)
		l.deliver()
	}
}

// runTasks runs the tasks of post, which may end connections. It is called while no
// connection is in the middle of a step.
func (l *Loop) runTasks() {
	for len(l.tasks) > 0 {
		task := l.tasks[0]
		l.tasks = l.tasks[1:]
		task()
	}
	l.tasks = nil
}

// noObserver is an Observer that does nothing.
type noObserver struct{}

func (noObserver) Opened(core.ID, core.Peer)                {}
func (noObserver) Refused(core.Peer)                        {}
func (noObserver) Released(core.ID, life.End, core.Orphans) {}
func (noObserver) Closed(core.ID)                           {}
func (noObserver) NotAccepted(err error, pause core.Time)   {}
