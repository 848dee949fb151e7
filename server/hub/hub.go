package hub

import (
	"slices"
	"sync"
	"sync/atomic"

	"lockd/server/core"
)

// Core is what a Hub serializes: a *core.Core, or a wrapper around one in tests and
// simulations.
type Core interface {
	Open(now core.Time, peer core.Peer, fx *core.Effects) (core.ID, bool)
	Receive(now core.Time, id core.ID, data []byte, fx *core.Effects) (rest []byte, state core.State)
	EndMessage(now core.Time, id core.ID, fx *core.Effects) core.State
	Close(now core.Time, id core.ID, fx *core.Effects) core.Orphans
	Tick(now core.Time, fx *core.Effects)
	EndOfStream(now core.Time, id core.ID, fx *core.Effects)
	Finish(now core.Time, d *core.Dump, fx *core.Effects)
	Stop(now core.Time, fx *core.Effects)
	Next() core.Time
	Conns() int
	Locks() int
	Commands() uint64
	LastToken() uint64
	Measures() *core.Measures
	Walk(*core.Walk) bool
}

// Hub serializes the calls of a Core. Make one with New; its methods are safe for
// concurrent use. Methods with an Inbox argument are for the driver of that Inbox, and
// take the items out of it (a caller without one passes nil). Methods with an Effects
// argument reset it, and leave in it what is for the connection of the call.
type Hub struct {
	mu     sync.Locker
	turn   chan struct{} // has one while a driver that takes turns waits for or holds mu
	core   Core
	now    core.Time // the latest time that a driver passed: never goes back
	owners map[core.ID]Owner
	alarm  atomic.Int64 // core.Time at which the keeper calls Tick
	keeper func()       // wakes the keeper; nil if there is none
	maker  func(*core.Dump)
	teller func(core.Event) // nil if there is none
	bytes  Bytes

	// Waiting accounts for the waiting bytes of all connections.
	Waiting Account
}

// New returns a Hub. mutex serializes all calls of core; nil is a sync.Mutex.
func New(c Core, mutex sync.Locker) *Hub {
	if mutex == nil {
		mutex = new(sync.Mutex)
	}
	h := &Hub{mu: mutex, turn: make(chan struct{}, 1), core: c, owners: make(map[core.ID]Owner)}
	h.alarm.Store(int64(core.Never))
	h.maker = func(d *core.Dump) {
		d.Make()
		h.Finish(0, d)
	}
	return h
}

// SetDumpMaker sets the function that makes dumps: it gets one dump at a time, must not
// block, and calls Finish when the dump is made. Without SetDumpMaker, the caller of Tick
// makes dumps. SetDumpMaker must be called before any other method.
func (h *Hub) SetDumpMaker(maker func(*core.Dump)) { h.maker = maker }

// OnEvent sets the function that gets all events, in order. It is called under the
// mutex. OnEvent must be called before any other method.
func (h *Hub) OnEvent(teller func(core.Event)) { h.teller = teller }

// OnAlarm makes the caller the keeper, which calls Tick at the time Alarm. Hub calls
// wake, in any goroutine, when Alarm has become earlier.
func (h *Hub) OnAlarm(wake func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keeper = wake
}

// Alarm returns the moment at which Tick must be called at the latest.
func (h *Hub) Alarm() core.Time { return core.Time(h.alarm.Load()) }

// Open adds a connection. If its owner has another driver than the caller, it is handed
// over: that driver finds it in its inbox, as an Item that is New. If Core refuses the
// connection, the number is 0, and Open returns the refusal to be sent (BAD-4), which
// belongs to the caller.
func (h *Hub) Open(now core.Time, peer core.Peer, owner Owner, own *Inbox, fx *core.Effects) (id core.ID, refusal []byte) {
	fx.Reset()
	h.lock(own)
	id, ok := h.core.Open(h.time(now), peer, fx)
	other := owner.Inbox()
	if ok {
		owner.Opened(id)
		h.owners[id] = owner
		if other != own {
			other.put(Item{Owner: owner})
		}
	}
	h.unlock(id, own, fx)
	if !ok {
		return 0, slices.Clone(fx.To(0))
	}
	if other != own {
		other.wake()
	}
	return id, nil
}

// Receive passes bytes of a connection to Core, and returns the unprocessed rest.
func (h *Hub) Receive(now core.Time, id core.ID, data []byte, own *Inbox, fx *core.Effects) (rest []byte, state core.State) {
	fx.Reset()
	h.lock(own)
	rest, state = h.core.Receive(h.time(now), id, data, fx)
	h.bytes.Received += uint64(len(data) - len(rest))
	h.unlock(id, own, fx)
	return rest, state
}

// EndMessage ends a WebSocket message of a connection.
func (h *Hub) EndMessage(now core.Time, id core.ID, own *Inbox, fx *core.Effects) core.State {
	fx.Reset()
	h.lock(own)
	state := h.core.EndMessage(h.time(now), id, fx)
	h.unlock(id, own, fx)
	return state
}

// EndOfStream tells Core that the client of a connection that waits for a lock has ended
// its stream.
func (h *Hub) EndOfStream(now core.Time, id core.ID, own *Inbox, fx *core.Effects) {
	fx.Reset()
	h.lock(own)
	h.core.EndOfStream(h.time(now), id, fx)
	h.unlock(id, own, fx)
}

// Close ends a connection. It returns false if it was not open.
func (h *Hub) Close(now core.Time, id core.ID, own *Inbox, fx *core.Effects) (core.Orphans, bool) {
	fx.Reset()
	h.lock(own)
	_, open := h.owners[id]
	orphans := h.core.Close(h.time(now), id, fx)
	delete(h.owners, id)
	h.unlock(id, own, fx)
	return orphans, open
}

// CloseAll ends connections in one step, and returns what each open one held.
func (h *Hub) CloseAll(now core.Time, ids []core.ID) map[core.ID]core.Orphans {
	all := make(map[core.ID]core.Orphans)
	fx := new(core.Effects)
	h.mu.Lock()
	now = h.time(now)
	for _, id := range ids {
		if _, open := h.owners[id]; open {
			all[id] = h.core.Close(now, id, fx)
			delete(h.owners, id)
		}
	}
	h.unlock(0, nil, fx)
	return all
}

// Tick does the work of Core that is due.
func (h *Hub) Tick(now core.Time, own *Inbox, fx *core.Effects) {
	fx.Reset()
	h.lock(own)
	h.core.Tick(h.time(now), fx)
	h.alarm.Store(int64(h.core.Next()))
	h.unlock(0, own, fx)
}

// Finish returns a dump to Core, made or not.
func (h *Hub) Finish(now core.Time, d *core.Dump) {
	fx := new(core.Effects)
	h.mu.Lock()
	h.core.Finish(h.time(now), d, fx)
	h.unlock(0, nil, fx)
}

// Stop tells Core that the server stops. It cancels all waits for locks.
func (h *Hub) Stop(now core.Time) {
	fx := new(core.Effects)
	h.mu.Lock()
	h.core.Stop(h.time(now), fx)
	h.unlock(0, nil, fx)
}

// Collect takes the items out of an inbox.
func (h *Hub) Collect(own *Inbox) {
	h.lock(own)
	own.take()
	h.mu.Unlock()
	h.endTurn(own)
}

// Post puts something to do into the inbox of a driver.
func (h *Hub) Post(to *Inbox, item Item) {
	h.mu.Lock()
	to.put(item)
	h.mu.Unlock()
	to.wake()
}

// Held returns how many connections are open and how many names are held, in
// either table.
func (h *Hub) Held() (conns, locks int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.core.Conns(), h.core.Locks()
}

// Bytes counts the bytes of the protocol since the start: those that Core has taken in,
// and those of its answers, sent or not. Frames of WebSockets and TLS are not counted.
type Bytes struct{ Received, Answered uint64 }

// Measures returns the measures of Core and the bytes, and calls inside under the same mutex.
func (h *Hub) Measures(inside func()) (*core.Measures, Bytes) {
	h.mu.Lock()
	defer h.mu.Unlock()
	inside()
	return h.core.Measures(), h.bytes
}

// Walk takes a walk through Core on by a piece, and returns false when it is over.
func (h *Hub) Walk(w *core.Walk) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.core.Walk(w)
}

// LastToken returns the last token that Core has given out.
func (h *Hub) LastToken() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.core.LastToken()
}

// Commands returns how many commands Core has executed.
func (h *Hub) Commands() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.core.Commands()
}

// lock locks the mutex for a driver. The caller unlocks it, then calls endTurn.
func (h *Hub) lock(own *Inbox) {
	if own != nil && own.turns {
		h.turn <- struct{}{}
	}
	h.mu.Lock()
}

func (h *Hub) endTurn(own *Inbox) {
	if own != nil && own.turns {
		<-h.turn
	}
}

// time returns the time to pass to Core. Its caller holds the mutex.
func (h *Hub) time(now core.Time) core.Time {
	h.now = max(h.now, now)
	return h.now
}

// unlock delivers the outputs for other connections than that of the call, takes the
// items out of the caller's inbox, and unlocks the mutex.
func (h *Hub) unlock(spoke core.ID, own *Inbox, fx *core.Effects) {
	var woken []*Inbox
	for _, o := range fx.Outputs() {
		h.bytes.Answered += uint64(len(o.Data))
		if o.To != spoke {
			woken = h.put(o.To, Item{Data: slices.Clone(o.Data)}, own, woken)
		}
	}
	for _, r := range fx.Resumed() {
		h.bytes.Answered += uint64(len(r.Reply))
		woken = h.put(r.To, Item{Resumed: true, Data: r.Reply}, own, woken)
	}
	for _, id := range fx.Dropped() {
		woken = h.put(id, Item{Dropped: true}, own, woken)
	}
	if h.teller != nil {
		for _, e := range fx.Events() {
			h.teller(e)
		}
	}
	keeper := h.rearm()
	own.take()
	now := h.now
	h.mu.Unlock()
	h.endTurn(own)
	for _, inbox := range woken {
		inbox.wake()
	}
	if keeper != nil {
		keeper()
	}
	if d := fx.Dump(); d != nil {
		h.begin(now, d)
	}
}

// begin starts making a dump, if there is room for it; otherwise it refuses the dump.
func (h *Hub) begin(now core.Time, d *core.Dump) {
	if h.Waiting.Room(now, d.Size()) {
		h.maker(d)
	} else {
		h.Finish(now, d)
	}
}

// put puts an item into the inbox of its connection's driver, and adds the inbox to
// those to be woken. It drops an item for a connection that has ended.
func (h *Hub) put(to core.ID, item Item, own *Inbox, woken []*Inbox) []*Inbox {
	if item.Owner = h.owners[to]; item.Owner == nil {
		return woken
	}
	inbox := item.Owner.Inbox()
	if inbox != own && !slices.Contains(woken, inbox) {
		woken = append(woken, inbox)
	}
	inbox.put(item)
	return woken
}

// rearm makes the alarm earlier if Core.Next is, and then returns the function that
// wakes the keeper.
func (h *Hub) rearm() func() {
	next := h.core.Next()
	if next >= h.Alarm() {
		return nil
	}
	h.alarm.Store(int64(next))
	return h.keeper
}
