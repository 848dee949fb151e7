package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// brief are connections that are there for a moment, and not among those that are
// counted: those of the HTTP port that have not become WebSockets, or those that are
// told why they are not served (BAD-4, BAD-7). Where there are too many, the oldest
// is closed: an honest one takes milliseconds. It is safe for concurrent use.
type brief struct {
	limit int
	mu    sync.Mutex
	order list.List // of net.Conn, the oldest first
	where map[net.Conn]*list.Element
}

func newBrief(limit int) *brief {
	return &brief{limit: limit, where: make(map[net.Conn]*list.Element)}
}

// briefLimit is how many there may be of either kind where there may be so many
// connections, 0 being unlimited.
func briefLimit(connections int) int {
	const fewest, most = 64, 1024
	if connections > 0 {
		return min(max(connections, fewest), most)
	}
	return most
}

// track is for http.Server.ConnState.
func (b *brief) track(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		b.add(c)
	case http.StateHijacked, http.StateClosed:
		b.remove(c)
	}
}

// add adds one, and closes another that it takes the place of.
func (b *brief) add(c net.Conn) {
	b.mu.Lock()
	b.where[c] = b.order.PushBack(c)
	var oldest net.Conn
	if b.order.Len() > b.limit {
		oldest = b.order.Front().Value.(net.Conn)
		b.forget(oldest)
	}
	b.mu.Unlock()
	if oldest != nil {
		oldest.Close()
	}
}

// remove takes one out that has ended, or is no brief one any more.
func (b *brief) remove(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(c)
}

func (b *brief) forget(c net.Conn) {
	if e := b.where[c]; e != nil {
		b.order.Remove(e)
		delete(b.where, c)
	}
}
