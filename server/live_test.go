package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"lockd/server/core"
	"lockd/sim/transport"
)

// patience is how long a test waits for something that must happen.
const patience = 20 * time.Second

// live is a server on one transport and the connections of a script to it.
type live struct {
	t      *testing.T
	server *Server
	dial   func() (wireConn, error)
	conns  map[int]wireConn
	addrs  map[int]string
	opened int // by the server, without refused ones
}

// wireConn is a client's connection of any transport.
type wireConn interface {
	write(data []byte) error
	// read reads n bytes, or to the end of the stream if n is negative.
	read(n int) ([]byte, error)
	// end ends the client's stream and reads the rest of the server's.
	end() ([]byte, error)
	close()
	localAddr() string // as the server shows it; "" if it shows a number
}

func newLive(t *testing.T, config core.Config, l net.Listener, serve func(*Server, net.Listener) error, dial func() (wireConn, error)) *live {
	t.Helper()
	p := &live{t: t, server: New(Config{Core: config, Loops: loopsOf(t)}), dial: dial, conns: map[int]wireConn{}, addrs: map[int]string{}}
	served := make(chan error, 1)
	go func() { served <- serve(p.server, l) }()
	t.Cleanup(func() {
		p.server.Close()
		if err := <-served; !errors.Is(err, ErrClosed) {
			t.Errorf("serving ended with %v", err)
		}
		for _, c := range p.conns {
			c.close()
		}
	})
	return p
}

func newTCPPeer(t *testing.T, config core.Config) peer {
	l, err := ListenTCP("127.0.0.1", 0, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	return newLive(t, config, l, (*Server).Serve, func() (wireConn, error) { return dialStream("tcp", l.Addr().String()) })
}

func newBytewisePeer(t *testing.T, config core.Config) peer {
	p := newTCPPeer(t, config).(*live)
	dial := p.dial
	p.dial = func() (wireConn, error) {
		c, err := dial()
		return bytewise{c}, err
	}
	return p
}

func newUnixPeer(t *testing.T, config core.Config) peer {
	path := filepath.Join(t.TempDir(), "s")
	l, err := ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return newLive(t, config, l, (*Server).Serve, func() (wireConn, error) { return dialStream("unix", path) })
}

func newWebSocketPeer(t *testing.T, config core.Config) peer {
	l, err := ListenTCP("127.0.0.1", 0, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	return newLive(t, config, l, (*Server).ServeWebSocket, func() (wireConn, error) { return dialWebSocket(l.Addr().String()) })
}

func (p *live) open(n int) []byte {
	limit := p.server.config.Core.MaxConnections
	full := limit > 0 && p.connections() >= limit
	c, err := p.dial()
	if err != nil {
		p.t.Fatal(err)
	}
	p.conns[n] = c
	if full {
		refusal, err := c.read(-1)
		if err != nil {
			p.t.Error(err)
		}
		c.close() // the server waits for it
		return refusal
	}
	p.opened++
	if p.addrs[n] = c.localAddr(); p.addrs[n] == "" {
		p.addrs[n] = fmt.Sprintf("unix:%d", p.opened)
	}
	p.await(len(p.addrs))
	return nil
}

func (p *live) connections() int {
	n, _ := p.server.Held()
	return n
}

// await waits until the server has that many connections.
func (p *live) await(n int) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); p.connections() != n; {
		if time.Now().After(deadline) {
			p.t.Fatalf("the server has %d connections, not %d", p.connections(), n)
		}
		time.Sleep(100 * time.Microsecond)
	}
}

func (p *live) send(n int, data, want []byte) []byte {
	c := p.conns[n]
	if len(data) > 0 {
		if err := c.write(data); err != nil {
			p.t.Fatal(err)
		}
	}
	got, err := c.read(len(want))
	if err != nil {
		p.t.Fatalf("read %q instead of %q: %v", got, want, err)
	}
	return got
}

func (p *live) stand(n int, data, want []byte) []byte {
	waiting := p.server.executed() + uint64(bytes.Count(want, []byte{'\n'})) + 1
	got := p.send(n, data, want)
	waitUntil(p.t, "the wait", func() bool { return p.server.executed() == waiting })
	return got
}

func (p *live) read(n int, want []byte) []byte { return p.send(n, nil, want) }

func (p *live) pause(d time.Duration) { time.Sleep(d) }

func (p *live) halfClose(n int) []byte {
	rest, err := p.conns[n].end()
	if err != nil {
		p.t.Error(err)
	}
	delete(p.addrs, n)
	// At the end of the stream the locks are released (END-5).
	if got := p.connections(); got != len(p.addrs) {
		p.t.Errorf("the server has %d connections at the end of a stream, not %d", got, len(p.addrs))
	}
	return rest
}

func (p *live) close(n int) {
	p.conns[n].close()
	delete(p.addrs, n)
	p.await(len(p.addrs))
}

func (p *live) text(want string) string {
	for n, addr := range p.addrs {
		want = strings.ReplaceAll(want, fmt.Sprintf("ADDR%d", n), addr)
	}
	return want
}

// done checks that nothing unexpected arrives, and that the server ends with empty
// tables.
func (p *live) done() {
	for n := range p.addrs {
		if rest := p.halfClose(n); len(rest) > 0 {
			p.t.Errorf("connection %d got %q at the end", n, rest)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.server.Shutdown(ctx); err != nil {
		p.t.Error(err)
	}
	if conns, locks := p.server.Held(); conns+locks > 0 {
		p.t.Errorf("%d connections and %d locks are left", conns, locks)
	}
}

// stream is a client's TCP or unix connection.
type stream struct{ net.Conn }

func dialStream(network, addr string) (wireConn, error) {
	c, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(patience))
	return stream{c}, nil
}

func (s stream) write(data []byte) error { _, err := s.Write(data); return err }

func (s stream) read(n int) ([]byte, error) {
	if n < 0 {
		return io.ReadAll(s)
	}
	data := make([]byte, n)
	n, err := io.ReadFull(s, data)
	return data[:n], err
}

func (s stream) end() ([]byte, error) {
	if err := s.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return nil, err
	}
	return io.ReadAll(s)
}

func (s stream) close() { s.Close() }

func (s stream) localAddr() string {
	if s.LocalAddr().Network() == "unix" {
		return ""
	}
	return s.LocalAddr().String()
}

// bytewise sends every byte in a packet of its own.
type bytewise struct{ wireConn }

func (b bytewise) write(data []byte) error {
	for i := range data {
		if err := b.wireConn.write(data[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// wsConn is a client's WebSocket.
type wsConn struct {
	*transport.Messages
	remote string
}

func dialWebSocket(addr string) (wireConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := transport.DialWebSocket(ctx, "ws://"+addr+"/", "")
	if err != nil {
		return nil, err
	}
	return &wsConn{m, addr}, nil
}

func (c *wsConn) write(data []byte) error {
	return c.Write(context.Background(), websocket.MessageBinary, data)
}

// read reads one message if n bytes are expected; to the end of the stream, if
// n is negative, one message and the end.
func (c *wsConn) read(n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	kind, data, err := c.Read(ctx)
	switch {
	case err != nil:
	case n < 0:
		if _, _, end := c.Read(ctx); websocket.CloseStatus(end) < 0 {
			err = end
		}
	case kind != websocket.MessageBinary:
		err = errors.New("a binary message was answered by a text message (WS-3)")
	}
	return data, err
}

func (c *wsConn) end() ([]byte, error) {
	return nil, c.Close(websocket.StatusNormalClosure, "")
}

func (c *wsConn) close()            { c.CloseNow() }
func (c *wsConn) localAddr() string { return c.Socket.LocalAddr().String() }
