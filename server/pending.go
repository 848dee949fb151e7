package server

import (
	"errors"
	"sync"
)

const (
	// largeReply is the size in bytes from which a reply counts as large.
	// Below, replies are bounded by the number of connections.
	largeReply = 1 << 20
	// pendingLimit bounds the bytes of all large replies that wait for slow
	// readers together. A new reply beyond it ends the connection that has
	// waited longest, as Redis does at its output limit: otherwise some
	// thousand clients that ask for dumps and never read could take all
	// memory.
	pendingLimit = 256 << 20
)

// pending keeps account of the large replies that are being written. The zero
// value is ready for use; it is safe for concurrent use.
type pending struct {
	mu      sync.Mutex
	bytes   int
	replies []pendingReply // oldest first
}

type pendingReply struct {
	session *session
	size    int
}

var errTooSlow = errors.New("too many bytes wait for clients that read slowly")

// add accounts for a large reply until remove is called, and drops the
// connections that have waited longest if that is too much.
func (p *pending) add(x *session, size int) {
	p.mu.Lock()
	p.bytes += size
	p.replies = append(p.replies, pendingReply{x, size})
	var slow []*session
	for excess, i := p.bytes-pendingLimit, 0; excess > 0 && i < len(p.replies)-1; i++ {
		slow = append(slow, p.replies[i].session)
		excess -= p.replies[i].size
	}
	p.mu.Unlock()
	for _, s := range slow {
		s.drop(errTooSlow)
	}
}

// remove ends the account of a reply that was written, or failed.
func (p *pending) remove(x *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range p.replies {
		if r.session == x {
			p.bytes -= r.size
			p.replies = append(p.replies[:i], p.replies[i+1:]...)
			return
		}
	}
}
