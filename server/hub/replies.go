package hub

import "slices"

// Replies are those that a connection has not sent, in order. The zero value is
// none.
type Replies struct{ pieces []piece }

// piece is what is left of some replies.
type piece struct {
	data   []byte
	shared []byte // all of it, if others may have it as well
}

// Add adds replies, which belong to the connection from then on.
func (r *Replies) Add(data []byte) {
	if len(data) > 0 {
		r.pieces = append(r.pieces, piece{data: data})
	}
}

// AddShared adds what is left of a reply that others may have too. It must never be
// changed.
func (r *Replies) AddShared(left, whole []byte) {
	if len(left) > 0 {
		r.pieces = append(r.pieces, piece{left, whole})
	}
}

// Some says whether there is anything to be sent.
func (r *Replies) Some() bool { return len(r.pieces) > 0 }

// Next returns what is to be sent next, which is not empty. There must be some.
func (r *Replies) Next() []byte { return r.pieces[0].data }

// Sent takes n bytes of what Next returns away.
func (r *Replies) Sent(n int) {
	first := &r.pieces[0]
	if first.data = first.data[n:]; len(first.data) == 0 {
		r.pieces = slices.Delete(r.pieces, 0, 1)
	}
}

// Clear drops all.
func (r *Replies) Clear() { r.pieces = nil }

// Memory returns how many bytes of its own the connection keeps, and the reply that
// it shares with others, nil if there is none: it never has two.
func (r *Replies) Memory() (own int, shared []byte) {
	for _, p := range r.pieces {
		if p.shared != nil {
			shared = p.shared
		} else {
			own += cap(p.data)
		}
	}
	return own, shared
}
