package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// Connections of the HTTP port that are no WebSockets yet are bounded: by as many as
// there may be connections, but within these limits.
const (
	fewestHandshakes = 64
	mostHandshakes   = 1024
)

// handshakes are the connections of an HTTP server that have not become WebSockets.
// Where there are too many, the oldest is closed: an honest one takes milliseconds.
// It is safe for concurrent use.
type handshakes struct {
	limit int
	mu    sync.Mutex
	order list.List // of net.Conn, the oldest first
	where map[net.Conn]*list.Element
}

// newHandshakes returns none. connections is how many there may be at a time, 0 is
// unlimited.
func newHandshakes(connections int) *handshakes {
	limit := mostHandshakes
	if connections > 0 {
		limit = min(max(connections, fewestHandshakes), mostHandshakes)
	}
	return &handshakes{limit: limit, where: make(map[net.Conn]*list.Element)}
}

// track is for http.Server.ConnState.
func (h *handshakes) track(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if oldest := h.add(c); oldest != nil {
			oldest.Close()
		}
	case http.StateHijacked, http.StateClosed:
		h.mu.Lock()
		defer h.mu.Unlock()
		h.remove(c)
	}
}

// add adds one, and returns the one that is to be closed for it, if any.
func (h *handshakes) add(c net.Conn) net.Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.where[c] = h.order.PushBack(c)
	if h.order.Len() <= h.limit {
		return nil
	}
	oldest := h.order.Front().Value.(net.Conn)
	h.remove(oldest)
	return oldest
}

func (h *handshakes) remove(c net.Conn) {
	if e := h.where[c]; e != nil {
		h.order.Remove(e)
		delete(h.where, c)
	}
}
