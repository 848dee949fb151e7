package client

import (
	"context"
	"io"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"lockd/sim/transport"
)

// messages is a WebSocket connection.
type messages struct {
	ws      *transport.Messages
	timeout time.Duration
}

// maxMessage bounds the size of one message, and so the suite's memory, in bytes.
const maxMessage = 32 << 20

func (m *messages) Write(p []byte, k Kind) error {
	ctx, cancel := context.WithTimeout(context.Background(), m.timeout)
	defer cancel()
	return m.ws.Write(ctx, messageType(p, k), p)
}

// WriteBytewise sends one message in frames of one byte.
func (m *messages) WriteBytewise(p []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), m.timeout)
	defer cancel()
	w, err := m.ws.Writer(ctx, messageType(p, Packet))
	if err != nil {
		return err
	}
	for i := range p {
		if _, err := w.Write(p[i : i+1]); err != nil {
			return err
		}
	}
	return w.Close()
}

// messageType returns the type of a message: text for a Packet that is valid UTF-8.
func messageType(p []byte, k Kind) websocket.MessageType {
	if k == TextMessage || k == Packet && utf8.Valid(p) {
		return websocket.MessageText
	}
	return websocket.MessageBinary
}

func (m *messages) Read([]byte) ([]byte, Kind, error) {
	k, p, err := m.ws.Read(context.Background())
	switch {
	case err == nil && k == websocket.MessageText:
		return p, TextMessage, nil
	case err == nil:
		return p, BinaryMessage, nil
	case websocket.CloseStatus(err) != -1:
		return nil, BinaryMessage, io.EOF
	}
	return nil, BinaryMessage, err
}

// HalfClose sends a close frame without the library, so that Read gets the answer to it,
// the end of the stream.
func (m *messages) HalfClose() error { return m.ws.HalfClose(m.timeout) }

func (m *messages) Close() error {
	m.HalfClose() // the peer may be gone
	return m.ws.CloseNow()
}

func (m *messages) Reset() error { return m.ws.Reset() }

func (m *messages) LocalAddr() string { return m.ws.Socket.LocalAddr().String() }
