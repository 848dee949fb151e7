package server

import (
	"context"
	"io"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// replyBatch is the number of bytes of replies that are sent as a frame without
// waiting for the rest of the message.
const replyBatch = 64 << 10

// reply is the reply to one WebSocket message while it is being made. Replies that are
// not UTF-8 are sent as a binary message: clients must end a connection on which a text
// message is not UTF-8 (WS-3).
type reply struct {
	session *session
	text    bool // the client's message was a text message
	out     []byte
	kind    websocket.MessageType
	frames  io.WriteCloser // nil until a first frame is sent
}

// take takes some replies, in whole lines. If they fill a batch, it sends all so far
// as a frame of the message.
func (r *reply) take(out []byte) error {
	if len(r.out)+len(out) < replyBatch {
		r.out = append(r.out, out...)
		return nil
	}
	err := r.send(r.out, out)
	r.out = r.out[:0]
	return err
}

// send sends some replies as frames of the current message, or of a new one if their
// kind does not fit.
func (r *reply) send(first, second []byte) error {
	kind := websocket.MessageBinary
	if r.text && utf8.Valid(first) && utf8.Valid(second) {
		kind = websocket.MessageText
	}
	if r.frames != nil && r.kind == websocket.MessageText && kind != r.kind {
		if err := r.close(); err != nil {
			return err
		}
	}
	if r.frames == nil {
		frames, err := r.session.ws.Writer(context.Background(), kind)
		if err != nil {
			return err
		}
		r.frames, r.kind = frames, kind
	}
	return r.replying(func() error {
		_, err := r.frames.Write(first)
		if err == nil {
			_, err = r.frames.Write(second)
		}
		return err
	})
}

// close ends the current message.
func (r *reply) close() error {
	frames := r.frames
	r.frames = nil
	return r.replying(frames.Close)
}

// replying calls write, during which the library writes a part of the reply.
func (r *reply) replying(write func() error) error {
	r.session.replying = true
	defer func() { r.session.replying = false }()
	return write()
}

// end sends the rest of the reply, if there is any.
func (r *reply) end() error {
	if r.frames == nil && len(r.out) > 0 {
		kind := websocket.MessageBinary
		if r.text {
			kind = kindOf(r.out)
		}
		return r.replying(func() error { return r.session.ws.Write(context.Background(), kind, r.out) })
	}
	if len(r.out) > 0 {
		if err := r.send(r.out, nil); err != nil {
			return err
		}
	}
	if r.frames == nil {
		return nil
	}
	return r.close()
}

// kindOf returns the kind of a message with that data.
func kindOf(data []byte) websocket.MessageType {
	if utf8.Valid(data) {
		return websocket.MessageText
	}
	return websocket.MessageBinary
}
