package hub

import (
	"sync/atomic"

	"lockd/server/core"
)

// Owner is a connection as its driver knows it.
type Owner interface {
	// Inbox is where what is for the connection goes. It is always the same.
	Inbox() *Inbox
	// Opened tells the connection its number, before it can be in any Item.
	Opened(core.ID)
}

// Item is something that a driver is to do: to take over the connection Owner, if
// there is nothing else; to send Data on it; to let it go on that has waited, once
// it has sent Data; or to Run.
type Item struct {
	Owner   Owner
	Data    []byte // belongs to who takes the item, unless Resumed: then to nobody
	Resumed bool
	Run     func()
}

// New says whether the connection is to be taken over.
func (i Item) New() bool { return i.Data == nil && !i.Resumed && i.Run == nil }

// Inbox holds what others have for one driver to do. Make one with NewInbox.
type Inbox struct {
	wake  func()
	turns bool        // its driver takes turns
	items []Item      // guarded by the mutex of the Hub
	taken []Item      // of the driver alone
	some  atomic.Bool // items is not empty
}

// NewInbox returns an empty inbox. wake is called from any goroutine after
// something was put into it; it must not block, nor call the Hub.
func NewInbox(wake func()) *Inbox { return &Inbox{wake: wake} }

// NewInboxInTurn returns an empty inbox for one of many drivers that serve one
// connection each, beside others that serve many: those of this kind take turns before
// they take the mutex, so that the others wait for one of them at the most.
func NewInboxInTurn(wake func()) *Inbox { return &Inbox{wake: wake, turns: true} }

// Some says whether there is anything to Collect. It may be called at any time.
func (i *Inbox) Some() bool { return i.some.Load() }

// Taken calls do with what was taken out of the inbox, in order. do may cause
// more to be taken, which comes after it.
func (i *Inbox) Taken(do func(Item)) {
	for at := 0; at < len(i.taken); at++ {
		item := i.taken[at]
		i.taken[at] = Item{}
		do(item)
	}
	i.taken = i.taken[:0]
}

// put adds an item. Its caller holds the mutex of the Hub.
func (i *Inbox) put(item Item) {
	i.items = append(i.items, item)
	i.some.Store(true)
}

// take moves all items to taken. Its caller holds the mutex of the Hub and is the
// driver; a caller without an inbox has nothing to take.
func (i *Inbox) take() {
	if i == nil || len(i.items) == 0 {
		return
	}
	i.taken = append(i.taken, i.items...)
	clear(i.items)
	i.items = i.items[:0]
	i.some.Store(false)
}
