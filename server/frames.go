package server

import "encoding/binary"

// frames follows the frames of a client's WebSocket stream, to see its close frame as soon
// as it has arrived: the library answers a close frame only when all messages before it
// were read, and that may take as long as a wait for a lock. The zero value is at the
// beginning of a stream.
type frames struct {
	header [14]byte
	have   int    // bytes of header
	skip   uint64 // bytes of payload that are still to come
	closed bool   // a close frame has begun
}

// follow takes the next bytes of the stream.
func (f *frames) follow(data []byte) {
	for len(data) > 0 && !f.closed {
		if f.skip > 0 {
			n := min(f.skip, uint64(len(data)))
			f.skip -= n
			data = data[n:]
			continue
		}
		f.header[f.have] = data[0]
		f.have++
		data = data[1:]
		if f.have == f.size() {
			f.closed = f.header[0]&0x0f == closeFrame&0x0f
			f.skip, f.have = f.payload(), 0
		}
	}
}

// size returns the size of the header, as far as it is known.
func (f *frames) size() int {
	if f.have < 2 {
		return 2
	}
	size := 2
	switch f.header[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if f.header[1]&0x80 != 0 {
		size += 4 // the mask
	}
	return size
}

// payload returns the number of bytes behind the header.
func (f *frames) payload() uint64 {
	switch n := f.header[1] & 0x7f; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.header[2:])
	default:
		return uint64(n)
	}
}
