package hub

import "slices"

// Replies is a queue of unsent replies of a connection. The zero value is empty.
type Replies struct{ pieces []piece }

// piece is the unsent rest of some replies.
type piece struct {
	data   []byte
	shared []byte // the whole reply, if it is shared with other connections
}

// Add adds replies, which belong to the connection from then on.
func (r *Replies) Add(data []byte) {
	if len(data) > 0 {
		r.pieces = append(r.pieces, piece{data: data})
	}
}

// AddShared adds the unsent rest of a reply that other connections may share. It must
// never be changed.
func (r *Replies) AddShared(left, whole []byte) {
	if len(left) > 0 {
		r.pieces = append(r.pieces, piece{left, whole})
	}
}

// Some says whether there is anything to send.
func (r *Replies) Some() bool { return len(r.pieces) > 0 }

// Next returns the bytes to be sent next, at least one. The queue must not be empty.
func (r *Replies) Next() []byte { return r.pieces[0].data }

// Sent removes the first n bytes of what Next returns.
func (r *Replies) Sent(n int) {
	first := &r.pieces[0]
	if first.data = first.data[n:]; len(first.data) == 0 {
		r.pieces = slices.Delete(r.pieces, 0, 1)
	}
}

// Clear drops all replies.
func (r *Replies) Clear() { r.pieces = nil }

// Memory returns how many bytes the connection keeps of its own, and the shared reply,
// nil if there is none. There is never more than one.
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
