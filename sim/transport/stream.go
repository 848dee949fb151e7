package transport

import (
	"bytes"
	"context"
	"io"
	"net"

	"github.com/coder/websocket"
)

// Conn is a client's connection, as a stream of bytes over any transport: on a
// WebSocket every write is a text message, and received messages are joined.
type Conn struct {
	net.Conn
	messages *Messages // nil: not a WebSocket
	left     bytes.Reader
}

// Dial connects to a server.
func Dial(ctx context.Context, e Endpoint) (*Conn, error) {
	if e.Transport == WebSocket {
		m, err := DialMessages(ctx, e, "")
		if err != nil {
			return nil, err
		}
		return &Conn{Conn: m.Socket, messages: m}, nil
	}
	c, err := DialSocket(ctx, e, nil)
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: c}, nil
}

// CloseWrite ends the client's stream; replies may still be read. On a WebSocket it is
// the whole close handshake, and nothing can be read afterwards.
func (c *Conn) CloseWrite() error {
	if c.messages != nil {
		return c.messages.Close(websocket.StatusNormalClosure, "")
	}
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

// Reset drops the connection and what is under way on it.
func (c *Conn) Reset() error { return Reset(c.Conn) }

// Write writes all of p, as one text message on a WebSocket.
func (c *Conn) Write(p []byte) (int, error) {
	if c.messages == nil {
		return c.Conn.Write(p)
	}
	if err := c.messages.Write(context.Background(), websocket.MessageText, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Read reads some bytes. The error is io.EOF if the server has ended the stream, or
// has answered a close frame.
func (c *Conn) Read(p []byte) (int, error) {
	if c.messages == nil {
		return c.Conn.Read(p)
	}
	for c.left.Len() == 0 {
		_, data, err := c.messages.Read(context.Background())
		if websocket.CloseStatus(err) >= 0 {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		c.left.Reset(data)
	}
	return c.left.Read(p)
}
