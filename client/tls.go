package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// WithTLS makes every connection over TCP use TLS, which tls://HOST:PORT does as well, with
// the system's authorities. The name that the server must have is config.ServerName, or the
// host of the address. config is copied; nil is an empty one. A server that asks for a
// certificate of the client gets one of config.Certificates. A unix socket never uses TLS.
//
// What goes wrong with TLS is ErrTLS, and what package crypto/tls or crypto/x509 returns,
// for errors.As: x509.UnknownAuthorityError, x509.HostnameError, x509.CertificateInvalidError
// or tls.RecordHeaderError. That the server refuses the client's certificate is the alert
// that it has sent, a *net.OpError; TLS 1.3 tells it only after the handshake.
func WithTLS(config *tls.Config) Option {
	if config == nil {
		config = new(tls.Config)
	}
	return func(o *options) { o.tls = config }
}

// tlsFor returns the configuration for a server, nil if there is no TLS. config is that of
// WithTLS, and secure says whether the address asks for TLS.
func tlsFor(config *tls.Config, secure bool, network, address string) *tls.Config {
	if config == nil && !secure || network == "unix" {
		return nil
	}
	own := config.Clone() // nil of nil
	if own == nil {
		own = new(tls.Config)
	}
	if own.ServerName == "" {
		host, _, _ := net.SplitHostPort(address)
		own.ServerName = cmp.Or(host, "localhost")
	}
	return own
}

// connect connects, and shakes hands if there is TLS.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	socket, err := c.options.dial(ctx, c.network, c.address)
	if err != nil || c.tls == nil {
		return socket, err
	}
	secure := tls.Client(socket, c.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		socket.Close()
		return nil, &tlsError{err, adviceFor(err)}
	}
	return secure, nil
}

// socketOf returns what is below TLS, or the connection itself.
func socketOf(c net.Conn) net.Conn {
	if secure, is := c.(interface{ NetConn() net.Conn }); is {
		return secure.NetConn()
	}
	return c
}

// farewell is how long the end of a stream of TLS may take to be sent. A server that does
// not read would make crypto/tls wait for five seconds.
const farewell = 100 * time.Millisecond

// hangUp closes a connection, within farewell.
func hangUp(c net.Conn) {
	if socket := socketOf(c); socket != c {
		defer time.AfterFunc(farewell, func() { socket.Close() }).Stop()
	}
	c.Close()
}

// tlsError is an error that has to do with TLS, and what to do.
type tlsError struct {
	err    error
	advice string
}

func (e *tlsError) Error() string        { return ErrTLS.Error() + ": " + e.err.Error() + "; " + e.advice }
func (e *tlsError) Unwrap() error        { return e.err }
func (e *tlsError) Is(target error) bool { return target == ErrTLS }

// adviceFor says what to do if a handshake has failed.
func adviceFor(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, new(tls.RecordHeaderError)):
		return "leave tls:// and all options of TLS out, or give the address at which the server speaks TLS"
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "give the certificate of the authority that has signed that of the server"
	case errors.As(err, new(x509.HostnameError)):
		return "connect to a name that the server's certificate has, or say which name it has"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "give the server a new certificate, or set the clock"
	case isAlert(err):
		return adviceForAlert(err)
	}
	return "find out whether the server speaks TLS at this address"
}

// isAlert says whether an error is an alert of the server.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// The alerts of a server that does not accept the client (RFC 8446, 6.2).
const (
	firstAboutCertificate = tls.AlertError(42)
	unknownAuthority      = tls.AlertError(48)
	certificateRequired   = tls.AlertError(116)
)

// adviceForAlert says what to do about an alert. Package tls shows only its text.
func adviceForAlert(err error) string {
	var op *net.OpError
	errors.As(err, &op)
	text := op.Err.Error()
	if text == certificateRequired.Error() {
		return "the server wants a certificate of the client: give one of an authority that it trusts, and its key"
	}
	for a := firstAboutCertificate; a <= unknownAuthority; a++ {
		if text == a.Error() && a != 47 { // illegal parameter
			return "the server does not accept the client's certificate: give one of an authority that it trusts"
		}
	}
	return "the server's log may say why; it may want a certificate of the client"
}

// tlsRequired is what lockd answers to a client that does not speak TLS (BAD-7).
const tlsRequired = "0 TLS Required"

// errSpeaksTLS is that the server has said so, or has answered in TLS.
var errSpeaksTLS = &tlsError{errors.New("the server speaks TLS at this address"), "write tls://HOST:PORT"}

// readError returns the reason for the end of a connection whose stream has ended with an
// error. rest is what came behind the last line, and heard says whether there was a line.
func readError(err error, rest []byte, heard bool) error {
	switch {
	case isAlert(err):
		return &tlsError{err, adviceForAlert(err)}
	case !heard && len(rest) >= 2 && rest[0] == 21 && rest[1] == 3: // an alert, in plain
		return errSpeaksTLS
	}
	return err
}

// greetingError returns the error for a server that has not answered the first words. No
// lock can have been lost.
func (c *Client) greetingError(err error) error {
	var refused *tlsError
	switch {
	case errors.As(err, &refused):
		return refused
	case c.tls == nil && c.network == "tcp" && (errors.Is(err, errEnded) || errors.Is(err, syscall.ECONNRESET)):
		return fmt.Errorf("%w without an answer; if it speaks TLS, write tls://HOST:PORT", err)
	}
	return err
}
