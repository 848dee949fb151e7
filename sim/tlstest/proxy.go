package tlstest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
)

// Listen listens on a free port of loopback, and passes what comes over TLS on to the
// server at an address, until the test ends. It returns its own address.
func Listen(t testing.TB, config *tls.Config, network, address string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	Serve(t, l, config, network, address)
	return l.Addr().String()
}

// Serve is Listen with a listener of the caller, which it closes. Ends and resets of
// either side are passed on to the other: the end of a stream of TLS as the end of a
// stream, and anything else as a reset.
func Serve(t testing.TB, l net.Listener, config *tls.Config, network, address string) {
	p := &proxy{network: network, address: address, open: map[net.Conn]struct{}{}}
	p.wait.Go(func() {
		for {
			socket, err := l.Accept()
			if err != nil {
				return
			}
			if p.add(socket) {
				p.wait.Go(func() { p.pass(socket, tls.Server(socket, config)) })
			}
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.end()
		p.wait.Wait()
	})
}

type proxy struct {
	network, address string
	wait             sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]struct{} // nil: ended
}

// add keeps a socket, which is closed at the end, or closes it if that has come.
func (p *proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		c.Close()
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *proxy) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
	p.open = nil
}

func (p *proxy) remove(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	c.Close()
}

// pass serves one client.
func (p *proxy) pass(socket net.Conn, client *tls.Conn) {
	defer p.remove(socket)
	if client.Handshake() != nil {
		return
	}
	server, err := net.Dial(p.network, p.address)
	if err != nil || !p.add(server) {
		return
	}
	defer p.remove(server)
	var both sync.WaitGroup
	both.Go(func() { flow(server.(stream), server, client, socket) })
	both.Go(func() { flow(client, socket, server, server) })
	both.Wait()
}

// stream is what a stream of bytes is written to.
type stream interface {
	io.Writer
	CloseWrite() error
}

// flow passes bytes on until they end, and then the way in which they ended.
func flow(to stream, toSocket net.Conn, from io.Reader, fromSocket net.Conn) {
	_, err := io.Copy(onlyWriter{to}, onlyReader{from})
	switch {
	case err == nil:
		to.CloseWrite()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE):
		toSocket.Close() // somebody went without a word
		fromSocket.Close()
	default:
		reset(toSocket)
		reset(fromSocket)
	}
}

// onlyReader and onlyWriter keep io.Copy from using splice(2), which hides errors.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

func reset(c net.Conn) {
	if tcp, is := c.(*net.TCPConn); is {
		tcp.SetLinger(0)
	}
	c.Close()
}
