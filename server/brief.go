package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// brief holds short-lived connections that do not count against the limit: those of
// the HTTP port before the WebSocket handshake, or those that are sent a refusal
// (BAD-4, BAD-7). If there are too many, it closes the oldest: a well-behaved one takes
// milliseconds. It closes what is below TLS, which would take five seconds to say goodbye to
// a client that does not read. It is safe for concurrent use.
type brief struct {
	limit int
	mu    sync.Mutex
	order list.List // of net.Conn, the oldest first
	where map[net.Conn]*list.Element
}

func newBrief(limit int) *brief {
	return &brief{limit: limit, where: make(map[net.Conn]*list.Element)}
}

// briefLimit returns the limit for either kind, given the limit of connections (0 is
// unlimited).
func briefLimit(connections int) int {
	const fewest, most = 64, 1024
	if connections > 0 {
		return min(max(connections, fewest), most)
	}
	return most
}

// track is an http.Server.ConnState hook.
func (b *brief) track(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		b.add(c)
	case http.StateHijacked, http.StateClosed:
		b.remove(c)
	}
}

// add adds a connection, and closes the oldest if there are too many.
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
		socketOf(oldest).Close()
	}
}

// closeAll closes all connections.
func (b *brief) closeAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.where {
		socketOf(c).Close()
		b.forget(c)
	}
}

// remove removes a connection that has ended or is now served.
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
