package hub

import (
	"container/list"
	"sync"

	"lockd/server/core"
)

const (
	// waitingLimit bounds the bytes that wait, of all connections together:
	// replies that their clients have not taken, input that was not executed, and
	// lines whose end has not come. A reply that several wait for counts once.
	waitingLimit = 256 << 20
	// SmallDebt is what a connection may have waiting without being in the
	// account: that is bounded by the number of connections.
	SmallDebt = 4 << 10
	// stalled is how long a client must have taken nothing, and said nothing, to be
	// dropped for a dump of somebody else.
	stalled = 5 * core.Second
)

// Debtor is a connection that bytes wait for.
type Debtor interface {
	// Drop ends the connection. It may be called from any goroutine, and must
	// not wait for that of the connection.
	Drop()
}

// Debt is what waits for one connection. The zero value is none. It belongs to the
// Account that it was set in.
type Debt struct {
	who    Debtor
	bytes  int
	shared *byte     // of a reply that others may wait for as well
	size   int       // of that reply
	moved  core.Time // when some of it was taken, or more of it came
	at     *list.Element
}

// Account adds up what waits. Beyond its limit it ends those connections whose
// bytes have moved last the longest time ago: never one that reads, as long as
// there is one that does not. The zero value is ready for use; it is safe for
// concurrent use.
type Account struct {
	mu     sync.Mutex
	bytes  int
	shared map[*byte]int // who waits for it
	debts  list.List     // of *Debt, in the order in which they have moved
}

// Set says what waits for a connection: bytes of its own, and perhaps a reply that
// is shared; and whether it has moved.
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

// Room says whether so many bytes more may wait, and drops those for whom nothing
// has moved for a while if that is needed.
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

// drop takes out the debt that has moved last the longest time ago, and returns
// whose it is.
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

// clear takes the bytes of a debt out of the sum.
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

// remove takes a debt out of the list.
func (a *Account) remove(d *Debt) {
	if d.at != nil {
		a.debts.Remove(d.at)
		d.at = nil
	}
}
