package server

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockd/server/core"
	"lockd/sim/tlstest"
)

// TestCertified checks which name of a certificate is who a client is: there always is one,
// without control characters.
func TestCertified(t *testing.T) {
	for want, c := range map[string]x509.Certificate{
		"common":                   {Subject: pkix.Name{CommonName: "common"}, DNSNames: []string{"other"}},
		"a.example":                {DNSNames: []string{"a.example", "b.example"}},
		"spiffe://host/job":        {URIs: []*url.URL{{Scheme: "spiffe", Host: "host", Path: "/job"}}},
		"me@a.example":             {EmailAddresses: []string{"me@a.example"}, IPAddresses: []net.IP{net.IPv6loopback}},
		"192.0.2.1":                {IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}},
		"O=works":                  {Subject: pkix.Name{Organization: []string{"works"}}},
		"certificate ff":           {},
		`a\\nb`:                    {Subject: pkix.Name{CommonName: `a\nb`}},
		`\n\"quoted\"`:             {Subject: pkix.Name{CommonName: "\n\"quoted\""}},
		`a\x00\u202e<b>\u00a0\xff`: {Subject: pkix.Name{CommonName: "a\x00\u202e<b>\u00a0\xff"}},
	} {
		c.SerialNumber = big.NewInt(255)
		verified := []*x509.Certificate{&c}
		if got := certified(&tls.ConnectionState{PeerCertificates: verified, VerifiedChains: [][]*x509.Certificate{verified}}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := certified(&tls.ConnectionState{}); got != "" {
		t.Errorf("without a certificate: %q", got)
	}
}

// pipes is a listener whose connections have no buffers.
type pipes struct {
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), over: make(chan struct{})} }

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error { p.once.Do(func() { close(p.over) }); return nil }

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// dial makes a connection with TLS.
func (p *pipes) dial(t *testing.T) *tls.Conn {
	near, far := net.Pipe()
	p.conns <- near
	c := tls.Client(far, &tls.Config{InsecureSkipVerify: true})
	c.SetDeadline(time.Now().Add(patience))
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

func certificate(t *testing.T) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{tlstest.NewAuthority(t).Issue(24*time.Hour, "127.0.0.1")}}
}

// mustEnd checks that a connection is closed without a word, for which a client that does
// not read would have to be waited for.
func mustEnd(t *testing.T, what string, c *tls.Conn) {
	t.Helper()
	if said, err := io.ReadAll(c.NetConn()); err != nil || len(said) > 0 {
		t.Errorf("%s: %d bytes came before the end: %v", what, len(said), err)
	}
	c.NetConn().Close()
}

// listenersTLS are the two that speak TLS.
var listenersTLS = map[string]func(*Server, net.Listener, *tls.Config) error{
	"tcp":  (*Server).ServeTLS,
	"http": (*Server).ServeWebSocketTLS,
}

// TestOneHandshakeComputes checks that one handshake computes at a time, and that none waits
// for a client that does not go on with its own.
func TestOneHandshakeComputes(t *testing.T) {
	for name, serve := range listenersTLS {
		t.Run(name, func(t *testing.T) {
			l, s := newPipes(), New(Config{Core: core.Config{}})
			defer s.Close()
			var now, most atomic.Int32
			config := certificate(t)
			config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(2 * time.Millisecond)
				now.Add(-1)
				return nil, nil // this one
			}
			go serve(s, l, config)
			near, far := net.Pipe()
			l.conns <- near
			stuck := &mute{far, make(chan struct{})}
			defer close(stuck.over)
			go tls.Client(stuck, &tls.Config{InsecureSkipVerify: true}).Handshake()
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() { l.dial(t).NetConn().Close() })
			}
			all.Wait()
			if most.Load() != 1 {
				t.Errorf("%d handshakes computed at a time", most.Load())
			}
		})
	}
}

// mute is a connection that does not read until it is over.
type mute struct {
	net.Conn
	over chan struct{}
}

// Read implements net.Conn.
func (m *mute) Read([]byte) (int, error) {
	<-m.over
	return 0, io.EOF
}

// TestPlainOnTLS checks what clients that do not speak TLS are answered.
func TestPlainOnTLS(t *testing.T) {
	for name, want := range map[string]string{"tcp": "0 TLS Required\n", "http": "HTTP/1.1 400 Bad Request\r\n"} {
		l, s := newPipes(), New(Config{Core: core.Config{}})
		defer s.Close()
		go listenersTLS[name](s, l, certificate(t))
		near, far := net.Pipe()
		l.conns <- near
		go io.WriteString(far, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		far.SetDeadline(time.Now().Add(patience))
		if got, err := io.ReadAll(far); err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: the answer is %q, %v", name, got, err)
		}
	}
}

// TestEndOfHTTPWithTLS checks that connections of HTTP are closed at once, although their
// clients do not read: the oldest of too many, and all when the server stops.
func TestEndOfHTTPWithTLS(t *testing.T) {
	l, s := newPipes(), New(Config{Core: core.Config{MaxConnections: 1}})
	go s.ServeWebSocketTLS(l, certificate(t))
	ask := func() *tls.Conn {
		c := l.dial(t)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if _, err := c.Read(make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	oldest, ended := ask(), make(chan struct{})
	go func() {
		mustEnd(t, "the oldest", oldest)
		close(ended)
	}()
	all := make([]*tls.Conn, briefLimit(1))
	for i := range all {
		all[i] = ask()
	}
	<-ended
	done := make(chan struct{})
	go func() {
		s.Close()
		close(done)
	}()
	for _, c := range all {
		mustEnd(t, "when the server stops", c)
	}
	<-done
}

// remembering is a connection that remembers its write deadline.
type remembering struct {
	net.Conn
	mu       sync.Mutex
	deadline time.Time
}

// SetWriteDeadline implements net.Conn.
func (r *remembering) SetWriteDeadline(at time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deadline = at
	return r.Conn.SetWriteDeadline(at)
}

func (r *remembering) isSet() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.deadline.IsZero()
}

// TestTLSWriteDeadline checks that no deadline of an answer is left behind: a client may
// want new keys at any time, and the server answers that while it reads.
func TestTLSWriteDeadline(t *testing.T) {
	l, s := newPipes(), New(Config{WriteTimeout: patience})
	defer s.Close()
	go s.ServeTLS(l, certificate(t))
	near, far := net.Pipe()
	conn := &remembering{Conn: near}
	l.conns <- conn
	c := tls.Client(far, &tls.Config{InsecureSkipVerify: true})
	defer far.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, "i x\n")
	if _, err := c.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "no deadline", func() bool { return !conn.isSet() })
}
