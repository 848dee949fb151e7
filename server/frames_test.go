package server

import (
	"bytes"
	"slices"
	"testing"
)

// frame returns a client's frame whose mask and payload, of that size, look like the
// beginnings of close frames.
func frame(opcode byte, size int) []byte {
	header := []byte{0x80 | opcode}
	switch {
	case size < 126:
		header = append(header, 0x80|byte(size))
	case size < 1<<16:
		header = append(header, 0x80|126, byte(size>>8), byte(size))
	default:
		header = append(header, 0x80|127, 0, 0, 0, 0, byte(size>>24), byte(size>>16), byte(size>>8), byte(size))
	}
	return append(header, bytes.Repeat([]byte{closeFrame}, 4+size)...)
}

// TestFrames checks that a close frame is seen as soon as its header has arrived, not
// before, behind frames of all sizes, and however the stream is cut into reads.
func TestFrames(t *testing.T) {
	const text, ping, closing = 1, 9, 8
	for name, before := range map[string][]byte{
		"nothing":            nil,
		"an empty message":   frame(text, 0),
		"a message":          frame(text, 125),
		"a longer message":   frame(text, 126),
		"the longest of two": frame(text, 1<<16-1),
		"one of eight":       frame(text, 1<<16),
		"a ping":             frame(ping, 5),
		"all":                slices.Concat(frame(text, 3), frame(ping, 0), frame(text, 70_000)),
	} {
		header := frame(closing, 2)[:6]
		for _, piece := range []int{1, 2, 3, 7, 1000, 1 << 20} {
			var f frames
			for chunk := range slices.Chunk(slices.Concat(before, header[:5]), piece) {
				if f.follow(chunk); f.closed {
					t.Fatalf("behind %s, in pieces of %d: a close frame is seen too early", name, piece)
				}
			}
			f.follow(header[5:])
			if f.follow(frame(text, 9)); !f.closed {
				t.Errorf("behind %s, in pieces of %d: the close frame is not seen", name, piece)
			}
		}
	}
}
