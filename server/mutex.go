package server

import "sync"

// spinMutex is the mutex around Core if there are several loops. A call of Core
// is so short that spinning for a while is cheaper than parking the thread of a loop.
type spinMutex struct{ sync.Mutex }

// spins is how often Lock tries before it parks.
const spins = 100

// Lock implements sync.Locker.
func (m *spinMutex) Lock() {
	for range spins {
		if m.TryLock() {
			return
		}
	}
	m.Mutex.Lock()
}
