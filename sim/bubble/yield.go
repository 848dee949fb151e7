package bubble

import (
	"math/rand/v2"
	"sync"
	"time"
)

// maxActors bounds the sources of pauses in a bubble. Each actor has the
// instants whose number of nanoseconds leaves its own number when divided by
// it, so that no two actors ever wake somebody at the same instant.
const maxActors = 1024

// actor makes goroutines pause. Within a bubble time moves only when everybody
// sleeps, so that exactly one goroutine runs between two instants, and the seed
// decides which. It is safe for concurrent use: everybody gets an instant of
// their own, in the order in which they come.
type actor struct {
	number int
	jitter int // longest pause in units of maxActors nanoseconds; 0 is none at all

	mu     sync.Mutex // never held while sleeping
	random *rand.Rand
	taken  map[int64]bool // instants at which somebody will wake
}

func newActor(seed uint64, number, jitter int) *actor {
	number %= maxActors
	return &actor{
		number: number, jitter: jitter,
		random: rand.New(rand.NewPCG(seed, 1000+uint64(number))),
		taken:  map[int64]bool{},
	}
}

// yield lets others run: mostly for a moment, sometimes for long.
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

// sleep sleeps for about d, until an instant that nobody else has.
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

// locker is the mutex that is given to the server: it lets others run before
// it is locked and after it was unlocked, never in between. It is built on a
// channel, so that a goroutine that waits for it counts as blocked in a bubble.
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
