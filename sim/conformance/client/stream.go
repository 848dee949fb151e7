package client

import (
	"net"
	"time"

	"lockd/sim/transport"
)

// maxWrite is how many bytes are written under one time limit.
const maxWrite = 64 << 10

// stream is a tcp or unix connection.
type stream struct {
	socket  net.Conn
	timeout time.Duration
}

func (s *stream) Write(p []byte, _ Kind) error {
	for len(p) > 0 {
		part := p[:min(len(p), maxWrite)]
		s.socket.SetWriteDeadline(time.Now().Add(s.timeout))
		if _, err := s.socket.Write(part); err != nil {
			return err
		}
		p = p[len(part):]
	}
	return nil
}

// WriteBytewise relies on TCP_NODELAY, which Go sets.
func (s *stream) WriteBytewise(p []byte) error {
	for i := range p {
		if err := s.Write(p[i:i+1], Packet); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) Read(buf []byte) ([]byte, Kind, error) {
	n, err := s.socket.Read(buf)
	return buf[:n], Packet, err
}

func (s *stream) HalfClose() error {
	return s.socket.(interface{ CloseWrite() error }).CloseWrite()
}

func (s *stream) Close() error { return s.socket.Close() }

func (s *stream) Reset() error { return transport.Reset(s.socket) }

func (s *stream) LocalAddr() string {
	if s.socket.LocalAddr().Network() == "unix" {
		return ""
	}
	return s.socket.LocalAddr().String()
}
