package hub

import (
	"container/list"
	"sync"

	"lockd/server/core"
)

const (
	// waitingLimit bounds the waiting bytes of all connections together: replies
	// that clients have not taken, input that is not executed, and unfinished lines.
	// A reply that several connections wait for counts once.
	waitingLimit = 256 << 20
	// SmallDebt is how many bytes may wait for a connection without being in the
	// account: the number of connections bounds their sum.
	SmallDebt = 4 << 10
	// stalled is how long a client must have taken and sent nothing to be dropped
	// for the dump of another.
	stalled = 5 * core.Second
)

// Debtor is a connection with waiting bytes.
type Debtor interface {
	// Drop ends the connection. It may be called from any goroutine, and must
	// not wait for the goroutine of the connection.
	Drop()
}

// Debt is the waiting bytes of one connection. The zero value is none. It belongs to
// the Account in which it was set.
type Debt struct {
	who    Debtor
	bytes  int
	shared *byte     // the first byte of a shared reply, or nil
	size   int       // of that reply
	moved  core.Time // when bytes were last taken or added
	at     *list.Element
}

// Account adds up the waiting bytes. Beyond its limit it drops the connections whose
// bytes have not moved for the longest time: never one that reads, as long as there is
// one that does not. The zero value is ready for use; it is safe for concurrent use.
type Account struct {
	mu     sync.Mutex
	bytes  int
	shared map[*byte]int // number of connections that wait for each shared reply
	debts  list.List     // of *Debt, by the time they moved, the earliest first
}

// Set records what waits for a connection: bytes of its own, and a shared reply or
// nil; and whether the bytes have moved.
func (a *Account) Set(d *Debt, who Debtor, now core.Time, bytes int, shared []byte, moved bool) {
	if d.at == nil && bytes < SmallDebt && shared == nil {
		return
	}
	a.mu.Lock()
	a.clear(d)
	d.who, d.bytes = who, bytes
	a.bytes += bytes
	if len(shared) > 0 {
		a.share(d, shared)
	}
	switch {
	case bytes < SmallDebt && shared == nil:
		a.clear(d)
		a.remove(d)
	case d.at == nil:
		d.moved, d.at = now, a.debts.PushBack(d)
	case moved:
		d.moved = now
		a.debts.MoveToBack(d.at)
	}
	var dropped []Debtor
	for a.bytes > waitingLimit && a.debts.Len() > 1 {
		dropped = append(dropped, a.drop())
	}
	a.mu.Unlock()
	for _, who := range dropped {
		who.Drop()
	}
}

// Room says whether so many more bytes may wait. If needed, it drops connections that
// have stalled.
func (a *Account) Room(now core.Time, bytes int) bool {
	a.mu.Lock()
	var dropped []Debtor
	for a.bytes+bytes > waitingLimit && a.debts.Len() > 0 && a.oldest().moved+stalled <= now {
		dropped = append(dropped, a.drop())
	}
	room := a.bytes+bytes <= waitingLimit
	a.mu.Unlock()
	for _, who := range dropped {
		who.Drop()
	}
	return room
}

// Bytes returns how many bytes wait.
func (a *Account) Bytes() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bytes
}

func (a *Account) oldest() *Debt { return a.debts.Front().Value.(*Debt) }

// drop removes the debt that has not moved for the longest time, and returns its
// debtor.
func (a *Account) drop() Debtor {
	d := a.oldest()
	a.clear(d)
	a.remove(d)
	return d.who
}

// share counts a shared reply, once.
func (a *Account) share(d *Debt, reply []byte) {
	if a.shared == nil {
		a.shared = make(map[*byte]int)
	}
	d.shared, d.size = &reply[0], len(reply)
	if a.shared[d.shared]++; a.shared[d.shared] == 1 {
		a.bytes += d.size
	}
}

// clear subtracts the bytes of a debt from the sum.
func (a *Account) clear(d *Debt) {
	a.bytes -= d.bytes
	d.bytes = 0
	if d.shared == nil {
		return
	}
	if a.shared[d.shared]--; a.shared[d.shared] == 0 {
		delete(a.shared, d.shared)
		a.bytes -= d.size
	}
	d.shared, d.size = nil, 0
}

// remove removes a debt from the list.
func (a *Account) remove(d *Debt) {
	if d.at != nil {
		a.debts.Remove(d.at)
		d.at = nil
	}
}
