package bubble

import (
	"math/rand/v2"
	"sync"
	"time"
)

// maxActors bounds the number of actors in a bubble. An actor wakes goroutines only at
// instants whose nanoseconds are its own number modulo maxActors, so that no two actors
// ever wake goroutines at the same instant.
const maxActors = 1024

// actor makes goroutines pause. Within a bubble time advances only when all goroutines
// are blocked, so that exactly one goroutine runs between two instants, and the seed
// decides which. An actor is safe for concurrent use: each goroutine that calls it gets
// an instant of its own, in the order of the calls.
type actor struct {
	number int
	jitter int // longest pause in units of maxActors nanoseconds; 0: no pauses

	mu     sync.Mutex // never held while sleeping
	random *rand.Rand
	taken  map[int64]bool // instants at which a goroutine will wake
}

func newActor(seed uint64, number, jitter int) *actor {
	number %= maxActors
	return &actor{
		number: number, jitter: jitter,
		random: rand.New(rand.NewPCG(seed, 1000+uint64(number))),
		taken:  map[int64]bool{},
	}
}

// yield lets other goroutines run, mostly for a short and sometimes for a long time.
func (a *actor) yield() {
	if a.jitter == 0 {
		return
	}
	a.mu.Lock()
	units := a.random.IntN(a.jitter)
	if a.random.IntN(16) == 0 {
		units *= 20
	}
	a.mu.Unlock()
	a.sleep(time.Duration(units) * maxActors)
}

// sleep sleeps for about d, until an instant that no other goroutine has.
func (a *actor) sleep(d time.Duration) {
	now := time.Now().UnixNano()
	until := (now+int64(d))/maxActors*maxActors + int64(a.number)
	a.mu.Lock()
	for until <= now || a.taken[until] {
		until += maxActors
	}
	a.taken[until] = true
	a.mu.Unlock()
	time.Sleep(time.Duration(until - now))
	a.mu.Lock()
	delete(a.taken, until)
	a.mu.Unlock()
}

// locker is the mutex of the server. It yields before Lock and after Unlock, never
// while it is locked. It is built on a channel, so that a goroutine that waits for it
// counts as durably blocked in a bubble.
type locker struct {
	actor *actor
	held  chan struct{}
}

func newLocker(a *actor) *locker { return &locker{a, make(chan struct{}, 1)} }

func (l *locker) Lock() {
	l.actor.yield()
	l.held <- struct{}{}
}

func (l *locker) Unlock() {
	<-l.held
	l.actor.yield()
}
