package server

import (
	"sync"
	"time"

	"lockd/server/core"
	"lockd/server/hub"
)

// keeper calls Hub.Tick when it is due, if no loop does.
type keeper struct {
	server *Server
	// ticking has one while Tick is called, which serializes its calls. It is a channel,
	// since Tick may wait for the Hub's mutex: in virtual time nothing may wait for a
	// mutex whose holder sleeps. Tick may call wake, so mu is never held then.
	ticking chan struct{}
	mu      sync.Mutex // guards timer and over
	timer   *time.Timer
	over    bool
	// inbox and fx are used by one call of Tick at a time.
	inbox *hub.Inbox
	fx    core.Effects
}

func newKeeper(s *Server) *keeper {
	k := &keeper{server: s, ticking: make(chan struct{}, 1), inbox: hub.NewInbox(func() {})}
	s.hub.OnAlarm(k.wake)
	return k
}

// keep takes over the keeper's role from a loop that has ended.
func (k *keeper) keep() {
	k.server.hub.OnAlarm(k.wake)
	k.wake()
}

// wake reads the alarm again. Hub calls it, so it must not call Hub.Tick itself.
func (k *keeper) wake() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.timer != nil {
		k.timer.Stop()
	}
	alarm := k.server.hub.Alarm()
	if k.over || alarm == core.Never {
		return
	}
	k.timer = time.AfterFunc(time.Duration(alarm-k.server.clock.now()), k.tick)
}

func (k *keeper) tick() {
	k.ticking <- struct{}{}
	defer func() { <-k.ticking }()
	now := k.server.clock.now()
	if !k.isOver() && now >= k.server.hub.Alarm() {
		k.server.hub.Tick(now, k.inbox, &k.fx)
	}
	k.wake()
}

func (k *keeper) isOver() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.over
}

// stop ends the keeper, and waits for a running Tick.
func (k *keeper) stop() {
	k.mu.Lock()
	k.over = true
	if k.timer != nil {
		k.timer.Stop()
	}
	k.mu.Unlock()
	k.ticking <- struct{}{}
	<-k.ticking
}
