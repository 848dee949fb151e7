package server

import (
	"context"
	"io"

	"github.com/coder/websocket"
)

// replyBatch is the number of bytes of replies that are sent as a frame before
// the rest is there.
const replyBatch = 64 << 10

// reply is the reply to one WebSocket message while it is being made.
type reply struct {
	session *session
	kind    websocket.MessageType
	out     []byte
	frames  io.WriteCloser // nil until a first frame has left
}

// take takes some replies. If they fill a batch, all so far leave as a frame of
// the message.
func (r *reply) take(out []byte) error {
	r.out = append(r.out, out...)
	if len(r.out) < replyBatch {
		return nil
	}
	if r.frames == nil {
		frames, err := r.session.ws.Writer(context.Background(), r.kind)
		if err != nil {
			return err
		}
		r.frames = frames
	}
	r.session.replying = true
	_, err := r.frames.Write(r.out)
	r.session.replying = false
	r.out = r.out[:0]
	if cap(r.out) > 2*replyBatch {
		r.out = nil // the message may never end
	}
	return err
}

// end takes the last replies and sends what is left; nothing, if nothing is owed.
func (r *reply) end(out []byte) error {
	r.out = append(r.out, out...)
	if r.frames == nil && len(r.out) == 0 {
		return nil
	}
	r.session.replying = true
	defer func() { r.session.replying = false }()
	if r.frames == nil {
		return r.session.ws.Write(context.Background(), r.kind, r.out)
	}
	if len(r.out) > 0 {
		if _, err := r.frames.Write(r.out); err != nil {
			return err
		}
	}
	return r.frames.Close()
}
