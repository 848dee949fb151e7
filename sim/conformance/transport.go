package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// Endpoint is an address at which a server is to be judged.
type Endpoint struct {
	Transport string `json:"transport"` // tcp, unix or ws
	Address   string `json:"address"`   // host:port, a path, or a ws or wss URL
}

// String returns the endpoint as people write it.
func (e Endpoint) String() string {
	if e.Transport == "ws" {
		return e.Address
	}
	return e.Transport + " " + e.Address
}

// stream says whether the transport carries bytes rather than messages.
func (e Endpoint) stream() bool { return e.Transport != "ws" }

// kind tells the chunks that a transport delivers apart.
type kind int

const (
	packet kind = iota // whatever one read returned
	textMessage
	binaryMessage
)

// transport is one connection below the level of lines. read may be called
// beside the other methods.
type transport interface {
	write(p []byte, k kind) error
	writeBytewise(p []byte) error
	read(buf []byte) ([]byte, kind, error)
	halfClose() error
	close() error
	reset() error
	localAddr() string
}

// maxWrite is how much is written under one time limit.
const maxWrite = 64 << 10

const (
	// connectTimeout is how long a connection may take at the least, whatever the
	// time limit of an answer: where the queue of a listener is full, the kernel tries
	// again after one second and after three.
	connectTimeout = 10 * time.Second
	// refusedTime is how long a refused connection is tried again: a full queue may
	// be the reason.
	refusedTime = time.Second
)

func dial(ctx context.Context, e Endpoint, timeout time.Duration) (transport, error) {
	ctx, cancel := context.WithTimeout(ctx, max(timeout, connectTimeout))
	defer cancel()
	began := time.Now()
	for {
		t, err := dialOnce(ctx, e, timeout)
		refused := errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ECONNRESET)
		if err == nil || !refused || time.Since(began) > refusedTime {
			return t, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(refusedTime / 20):
		}
	}
}

func dialOnce(ctx context.Context, e Endpoint, timeout time.Duration) (transport, error) {
	if e.Transport == "ws" {
		return dialWebSocket(ctx, e, timeout)
	}
	nc, err := new(net.Dialer).DialContext(ctx, e.Transport, e.Address)
	if err != nil {
		return nil, err
	}
	return &byteStream{nc, timeout}, nil
}

// byteStream is a tcp or unix connection.
type byteStream struct {
	net.Conn
	timeout time.Duration
}

func (s *byteStream) write(p []byte, _ kind) error {
	for len(p) > 0 {
		part := p[:min(len(p), maxWrite)]
		s.SetWriteDeadline(time.Now().Add(s.timeout))
		if _, err := s.Write(part); err != nil {
			return err
		}
		p = p[len(part):]
	}
	return nil
}

// writeBytewise relies on TCP_NODELAY, which Go sets.
func (s *byteStream) writeBytewise(p []byte) error {
	for i := range p {
		if err := s.write(p[i:i+1], packet); err != nil {
			return err
		}
	}
	return nil
}

func (s *byteStream) read(buf []byte) ([]byte, kind, error) {
	n, err := s.Read(buf)
	return buf[:n], packet, err
}

func (s *byteStream) halfClose() error {
	return s.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

func (s *byteStream) close() error { return s.Close() }

func (s *byteStream) reset() error { return reset(s.Conn) }

func (s *byteStream) localAddr() string {
	if s.LocalAddr().Network() == "unix" {
		return ""
	}
	return s.LocalAddr().String()
}

// reset closes so that the peer of a TCP connection sees a reset.
func reset(nc net.Conn) error {
	if tcp, ok := nc.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	return nc.Close()
}

// messageStream is a WebSocket connection.
type messageStream struct {
	ws      *websocket.Conn
	nc      net.Conn // below ws
	timeout time.Duration
}

// maxMessage bounds what a server can make the suite hold in memory, in bytes.
const maxMessage = 32 << 20

func dialWebSocket(ctx context.Context, e Endpoint, timeout time.Duration) (transport, error) {
	s := &messageStream{timeout: timeout}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			s.nc = nc
			return nc, err
		},
	}}
	ws, response, err := websocket.Dial(ctx, e.Address, &websocket.DialOptions{HTTPClient: client, HTTPHeader: ownOrigin(e)})
	if err != nil {
		if response != nil {
			return nil, &errHTTP{response.Status}
		}
		return nil, err
	}
	ws.SetReadLimit(maxMessage)
	s.ws = ws
	return s, nil
}

// errHTTP is the answer of a server that does not want to speak WebSocket.
type errHTTP struct{ status string }

// Error implements error.
func (e *errHTTP) Error() string {
	return "it answers the WebSocket handshake with HTTP status " + e.status
}

// ownOrigin is that of a page of the server itself, without which some refuse.
func ownOrigin(e Endpoint) http.Header {
	u, err := url.Parse(e.Address)
	if err != nil {
		return nil
	}
	scheme := "http"
	if u.Scheme == "wss" || u.Scheme == "https" {
		scheme = "https"
	}
	return http.Header{"Origin": {scheme + "://" + u.Host}}
}

func (s *messageStream) write(p []byte, k kind) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	return s.ws.Write(ctx, messageType(p, k), p)
}

// writeBytewise sends one message in frames of one byte.
func (s *messageStream) writeBytewise(p []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	w, err := s.ws.Writer(ctx, messageType(p, packet))
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

// messageType is text where the caller does not mind and the bytes allow it.
func messageType(p []byte, k kind) websocket.MessageType {
	if k == textMessage || k == packet && utf8.Valid(p) {
		return websocket.MessageText
	}
	return websocket.MessageBinary
}

func (s *messageStream) read([]byte) ([]byte, kind, error) {
	k, p, err := s.ws.Read(context.Background())
	switch {
	case err == nil && k == websocket.MessageText:
		return p, textMessage, nil
	case err == nil:
		return p, binaryMessage, nil
	case websocket.CloseStatus(err) != -1:
		return nil, binaryMessage, io.EOF
	}
	return nil, binaryMessage, err
}

// halfClose sends a close frame by hand, so that the answer to it, the end of
// the stream, is seen by read.
func (s *messageStream) halfClose() error {
	maskedClose := []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8} // status 1000
	s.nc.SetWriteDeadline(time.Now().Add(s.timeout))
	_, err := s.nc.Write(maskedClose)
	return err
}

func (s *messageStream) close() error {
	s.halfClose() // the peer may be gone
	return s.ws.CloseNow()
}

func (s *messageStream) reset() error {
	err := reset(s.nc)
	s.ws.CloseNow()
	return err
}

func (s *messageStream) localAddr() string { return s.nc.LocalAddr().String() }

// handshake asks for a WebSocket as a page of origin would and returns the
// HTTP status.
func handshake(ctx context.Context, e Endpoint, origin string) (int, error) {
	u, err := url.Parse(e.Address)
	if err != nil {
		return 0, err
	}
	origin = strings.ReplaceAll(origin, "HOST", u.Host)
	ws, response, err := websocket.Dial(ctx, e.Address, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {origin}},
	})
	if err == nil {
		ws.CloseNow()
	}
	if response == nil {
		return 0, err
	}
	return response.StatusCode, nil
}

// describe says how a stream ended.
func describe(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return "end of stream"
	case bytes.Contains([]byte(err.Error()), []byte("reset by peer")):
		return "connection reset by the server"
	}
	return fmt.Sprintf("the connection broke: %v", err)
}
