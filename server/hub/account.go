package hub

import (
	"slices"
	"sync"
)

const (
	// LargeReply is the size in bytes from which replies that wait for one
	// client count as large. Below, they are bounded by the number of
	// connections.
	LargeReply = 1 << 20
	// repliesLimit bounds the bytes of all large replies that wait for slow
	// readers together. More than that ends the connection that has waited
	// longest, as Redis does at its output limit: otherwise some thousand
	// clients that ask for dumps and never read could take all memory.
	repliesLimit = 256 << 20
)

// Debtor is a connection whose client has large replies to take.
type Debtor interface {
	// Drop ends the connection. It may be called from any goroutine, and must
	// not wait for that of the connection.
	Drop()
}

// Account adds up the large replies that are being sent. The zero value is ready
// for use; it is safe for concurrent use.
type Account struct {
	mu    sync.Mutex
	bytes int
	debts []debt // the oldest first
}

type debt struct {
	who  Debtor
	size int
}

// Add accounts for large replies until Remove is called, and drops those who have
// waited longest if that is too much.
func (a *Account) Add(who Debtor, size int) {
	a.mu.Lock()
	a.bytes += size
	a.debts = append(a.debts, debt{who, size})
	var slow []Debtor
	for excess, i := a.bytes-repliesLimit, 0; excess > 0 && i < len(a.debts)-1; i++ {
		slow = append(slow, a.debts[i].who)
		excess -= a.debts[i].size
	}
	a.mu.Unlock()
	for _, s := range slow {
		s.Drop()
	}
}

// Remove ends the account of replies that were sent, or never will be.
func (a *Account) Remove(who Debtor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.debts, func(d debt) bool { return d.who == who })
	if i >= 0 {
		a.bytes -= a.debts[i].size
		a.debts = slices.Delete(a.debts, i, i+1)
	}
}
