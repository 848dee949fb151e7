package client

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

// Kind is the kind of what a connection delivers at once.
type Kind int

// The kinds. A Packet is what one read of a stream returned; the others are WebSocket
// messages.
const (
	Packet Kind = iota
	TextMessage
	BinaryMessage
)

// String returns the name of a kind in scripts.
func (k Kind) String() string { return [...]string{"packet", "text", "binary"}[k] }

// Raw is one connection below the level of lines. Read may be called concurrently with the
// other methods.
type Raw interface {
	Write(p []byte, k Kind) error
	// WriteBytewise writes each byte in a packet, or a frame, of its own.
	WriteBytewise(p []byte) error
	// Read returns what comes next, in buf or in a slice of its own. The error is io.EOF
	// if the server has ended the stream gracefully.
	Read(buf []byte) ([]byte, Kind, error)
	HalfClose() error
	Close() error
	Reset() error
	// LocalAddr is empty for a unix socket.
	LocalAddr() string
}

// Describe says how a stream ended.
func Describe(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return "end of stream"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset by the server"
	}
	return fmt.Sprintf("the connection broke: %v", err)
}
