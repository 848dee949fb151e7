package hub

import (
	"sync/atomic"

	"lockd/server/core"
)

// Owner is a driver's object for a connection.
type Owner interface {
	// Inbox returns the inbox for items of the connection. It is always the same.
	Inbox() *Inbox
	// Opened sets the number of the connection, before it can be in any Item.
	Opened(core.ID)
}

// Item is something that a driver has to do: take over the connection Owner, if no
// other field is set; send Data on it; resume it with the reply Data; drop it; or call
// Run.
type Item struct {
	Owner   Owner
	Data    []byte // belongs to the driver, unless Resumed: then it is shared
	Resumed bool
	Dropped bool
	Run     func()
}

// New says whether the driver has to take over the connection.
func (i Item) New() bool { return i.Data == nil && !i.Resumed && !i.Dropped && i.Run == nil }

// Inbox is a queue of items for one driver. Make one with NewInbox or NewInboxInTurn.
type Inbox struct {
	wake  func()
	turns bool        // its driver takes turns
	items []Item      // guarded by the mutex of the Hub
	taken []Item      // used by the driver only
	some  atomic.Bool // items is not empty
}

// NewInbox returns an empty inbox. wake is called in any goroutine after an item was
// put into it; it must neither block nor call the Hub.
func NewInbox(wake func()) *Inbox { return &Inbox{wake: wake} }

// NewInboxInTurn returns an empty inbox for a driver that serves only one connection.
// Such drivers take turns before they lock the mutex, so that drivers that serve many
// connections wait for at most one of them.
func NewInboxInTurn(wake func()) *Inbox { return &Inbox{wake: wake, turns: true} }

// Some says whether there is anything to Collect. It is safe for concurrent use.
func (i *Inbox) Some() bool { return i.some.Load() }

// Taken calls do with each item that was taken out of the inbox, in order. do must not call
// the Hub in a way that takes more.
func (i *Inbox) Taken(do func(Item)) {
	for _, item := range i.taken {
		do(item)
	}
	clear(i.taken)
	i.taken = i.taken[:0]
}

// put adds an item. Its caller holds the mutex of the Hub.
func (i *Inbox) put(item Item) {
	i.items = append(i.items, item)
	i.some.Store(true)
}

// take moves all items to taken. Its caller is the driver and holds the mutex of the
// Hub; a nil Inbox has no items.
func (i *Inbox) take() {
	if i == nil || len(i.items) == 0 {
		return
	}
	i.taken = append(i.taken, i.items...)
	clear(i.items)
	i.items = i.items[:0]
	i.some.Store(false)
}
