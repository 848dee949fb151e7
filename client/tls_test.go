package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"lockd/sim/tlstest"
)

// tlsFront puts TLS in front of a daemon, and returns its port and what a client needs.
func tlsFront(t testing.TB, d *daemon) (addr string, trusting *tls.Config) {
	t.Helper()
	ca := tlstest.NewAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{ca.Issue(24*time.Hour, "127.0.0.1", "localhost")}}
	return tlstest.Listen(t, config, "unix", d.unix[len("unix:"):]), &tls.Config{RootCAs: ca.Pool()}
}

// TestTLS checks that locks and sessions over TLS do what they do without.
func TestTLS(t *testing.T) {
	t.Parallel()
	d := start(t, "-kill")
	addr, trusting := tlsFront(t, d)
	ctx := testContext(t)
	c := dial(t, addr, WithTLS(trusting), WithName("worker"))
	if trusting.ServerName != "" {
		t.Error("the caller's Config was changed")
	}
	s := session(t, c)
	l := must(c.Acquire(ctx, "job"))(t)
	got := acquiring(t, func(ctx context.Context) (*Lock, error) { return c.Acquire(ctx, "job") })
	waiting(t, s, "job", 1)
	hurry, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	_, err := c.Acquire(hurry, "job")
	is(t, err, ErrTimeout)
	waiting(t, s, "job", 1) // the place was given up
	ok(t, l.Release(ctx))
	l = <-got
	big := strings.Repeat("n", 60_000)
	for range 30 { // more than a record, and than the buffers of a socket
		ok(t, s.Get(ctx, big))
	}
	if n := len(must(s.Holders(ctx, ""))(t)); n != 2 {
		t.Errorf("%d holders", n)
	}
	ok(t, s.Kill(ctx, must(s.Holders(ctx, "job"))(t)[0].Conn, 0))
	lostSoon(t, l)
	for _, c := range []*Client{
		dial(t, "tls://"+addr, WithTLS(trusting)),
		dial(t, d.unix, WithTLS(trusting)), // without TLS
		dial(t, addr, WithTLS(trusting), WithDialer(new(net.Dialer).DialContext)),
	} {
		l = must(c.Acquire(ctx, "job"))(t)
		ok(t, l.Release(ctx))
	}
	// The names of a certificate are those of each server of a ring.
	ring, err := DialRing(ctx, []string{addr, "localhost" + addr[strings.LastIndex(addr, ":"):]}, WithTLS(trusting))
	ok(t, err)
	defer ring.Close()
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		ok(t, ring.Do(ctx, name, func(context.Context) error { return nil }))
	}
	l = must(c.Acquire(ctx, "job"))(t)
	d.kill()
	lostSoon(t, l)
}

// TestHangUp checks that a server that does not read does not delay the end of a connection
// for as long as crypto/tls would wait.
func TestHangUp(t *testing.T) {
	t.Parallel()
	ca := tlstest.NewAuthority(t)
	near, far := net.Pipe() // has no buffers: what is not read is not written
	defer far.Close()
	server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{ca.Issue(24*time.Hour, "127.0.0.1")}})
	go server.Handshake()
	c := tls.Client(near, &tls.Config{RootCAs: ca.Pool(), ServerName: "127.0.0.1", MaxVersion: tls.VersionTLS12})
	ok(t, c.HandshakeContext(testContext(t)))
	began := time.Now()
	hangUp(c)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	if _, err := near.Write([]byte{1}); err == nil {
		t.Error("the socket is open")
	}
}

// TestTLSErrors checks what is said about each thing that may be wrong.
func TestTLSErrors(t *testing.T) {
	t.Parallel()
	d := start(t)
	ctx := testContext(t)
	right, other := tlstest.NewAuthority(t), tlstest.NewAuthority(t)
	valid := right.Issue(24*time.Hour, "127.0.0.1")
	front := func(cert tls.Certificate, change func(*tls.Config)) string {
		config := &tls.Config{Certificates: []tls.Certificate{cert}}
		if change != nil {
			change(config)
		}
		return tlstest.Listen(t, config, "unix", d.unix[len("unix:"):])
	}
	wants := func(config *tls.Config) {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, right.Pool()
	}
	wantsOld := func(config *tls.Config) {
		wants(config)
		config.MaxVersion = tls.VersionTLS12
	}
	plain, secure := front(valid, nil), front(valid, wants)
	trusting := func(certs ...tls.Certificate) Option {
		return WithTLS(&tls.Config{RootCAs: right.Pool(), Certificates: certs})
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // as an old server is about a handshake
	ok(t, err)
	defer silent.Close()
	alert, err := net.Listen("tcp", "127.0.0.1:0") // as OpenSSL is about what is no handshake
	ok(t, err)
	defer alert.Close()
	go func() {
		for {
			c, err := alert.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 5))
			c.Write([]byte{21, 3, 1, 0, 2, 2, 70})
			c.Close()
		}
	}()
	for _, c := range []struct {
		what, addr string
		opts       []Option
		want       error // as a target of errors.Is, or of errors.As if it is a pointer to one
		text       string
	}{
		{"no authority", plain, []Option{WithTLS(nil)}, &x509.UnknownAuthorityError{}, "; give the certificate of the authority"},
		{"only the address", "tls://" + plain, nil, &x509.UnknownAuthorityError{}, "; give the certificate of the authority"},
		{"wrong authority", plain, []Option{WithTLS(&tls.Config{RootCAs: other.Pool()})}, &x509.UnknownAuthorityError{}, "; give the certificate of the authority"},
		{"expired", front(right.Issue(time.Minute, "127.0.0.1"), nil), []Option{trusting()}, &x509.CertificateInvalidError{}, "; give the server a new certificate"},
		{"wrong name", front(right.Issue(24*time.Hour, "locks.example"), nil), []Option{trusting()}, &x509.HostnameError{}, "; connect to a name that"},
		{"no certificate", secure, []Option{trusting()}, nil, "certificate required; the server wants a certificate"},
		{"no certificate, TLS 1.2", front(valid, wantsOld), []Option{trusting()}, nil, "; the server's log may say why; it may want a certificate"},
		{"certificate of another", secure, []Option{trusting(other.Issue(24*time.Hour, "me"))}, nil, "certificate required; the server wants a certificate"},
		{"untrusted certificate", secure, []Option{WithTLS(&tls.Config{RootCAs: right.Pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert := other.Issue(24*time.Hour, "me")
			return &cert, nil
		}})}, nil, "; the server does not accept the client's certificate"},
		{"right certificate", secure, []Option{trusting(right.Issue(24*time.Hour, "me"))}, nil, ""},
		{"the name that is given", front(right.Issue(24*time.Hour, "locks.example"), nil), []Option{WithTLS(&tls.Config{RootCAs: right.Pool(), ServerName: "locks.example"})}, nil, ""},
		{"TLS to a plain port", d.tcp, []Option{trusting()}, &tls.RecordHeaderError{}, "; leave tls://"},
		{"TLS to a silent port", silent.Addr().String(), []Option{trusting(), WithDialTimeout(50 * time.Millisecond)}, ErrNoAnswer, "; find out whether the server speaks TLS"},
		{"plain to a TLS port", plain, nil, errEnded, "if it speaks TLS, write tls://"},
		{"plain to an alert", alert.Addr().String(), nil, ErrTLS, "the server speaks TLS at this address; write tls://"},
	} {
		t.Run(c.what, func(t *testing.T) {
			client, err := Dial(ctx, c.addr, c.opts...)
			if err == nil {
				defer client.Close()
				ok(t, client.Do(ctx, "job", func(context.Context) error { return nil }))
			}
			if c.text == "" {
				ok(t, err)
				return
			}
			t.Log(err)
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("%v, want %s", err, c.text)
			}
			if is := errors.Is(err, ErrTLS); is == (c.want == errEnded) {
				t.Errorf("errors.Is(%v, ErrTLS) is %v", err, is)
			}
			found := c.want == nil || errors.Is(err, c.want)
			switch want := c.want.(type) {
			case *x509.UnknownAuthorityError:
				found = errors.As(err, want)
			case *x509.CertificateInvalidError:
				found = errors.As(err, want)
			case *x509.HostnameError:
				found = errors.As(err, want)
			case *tls.RecordHeaderError:
				found = errors.As(err, want)
			}
			if !found {
				t.Errorf("%#v is not a %T", err, c.want)
			}
		})
	}
}
