package client

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

// Kind tells apart what a connection delivers at once.
type Kind int

// The kinds. A Packet is whatever one read returned; the others are WebSocket messages.
const (
	Packet Kind = iota
	TextMessage
	BinaryMessage
)

// String names a kind as scripts do.
func (k Kind) String() string { return [...]string{"packet", "text", "binary"}[k] }

// Raw is one connection below the level of lines. Read may be called beside the other
// methods.
type Raw interface {
	Write(p []byte, k Kind) error
	// WriteBytewise writes each byte in a packet, or a frame, of its own.
	WriteBytewise(p []byte) error
	// Read returns what comes next, in buf or not. The error is io.EOF where the server
	// has ended the stream in order.
	Read(buf []byte) ([]byte, Kind, error)
	HalfClose() error
	Close() error
	Reset() error
	// LocalAddr is empty where the address says nothing.
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
