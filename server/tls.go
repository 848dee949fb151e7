package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// handshakeTimeout is how long a client may take for the handshake of TLS.
const handshakeTimeout = 10 * time.Second

// tlsRequired is the answer to a client that does not speak TLS. Like all refusals it
// begins with 0, so that no client takes it for a lock.
const tlsRequired = "0 TLS Required\n"

// ServeTLS is Serve for clients that speak TLS, each of which is served by a goroutine. A
// client whose certificate config has verified bears the name in it (IAM-3). The number of
// unfinished handshakes has the limit of short-lived connections; beyond, the oldest is
// closed.
func (s *Server) ServeTLS(l net.Listener, config *tls.Config) error {
	return s.acceptAll(l, func(c net.Conn) { s.startTLS(c, config) })
}

// startTLS makes the handshake of a connection, and serves it, in a goroutine of its own.
func (s *Server) startTLS(nc net.Conn, config *tls.Config) {
	conn := tls.Server(nc, config)
	x := newSession(s, conn)
	if !s.begin(x) {
		nc.Close()
		return
	}
	s.handshakes.add(conn) // in the order of arrival
	go func() {
		err := s.shakeHands(conn)
		s.handshakes.remove(conn)
		if err != nil {
			s.log.handshakeFailed(nc.RemoteAddr().String(), err)
			nc.Close()
			s.finish(x)
			return
		}
		x.open()
		x.serve()
	}()
}

// shakeHands makes the handshake, until it takes too long or the server stops.
func (s *Server) shakeHands(conn *tls.Conn) error {
	ctx, cancel := context.WithTimeout(s.context, handshakeTimeout)
	defer cancel()
	err := conn.HandshakeContext(ctx)
	var other tls.RecordHeaderError
	if errors.As(err, &other) && other.Conn != nil {
		other.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		io.WriteString(other.Conn, tlsRequired)
	}
	return err
}

// certified returns the name in the verified certificate of a client, "" without one: its
// common name, or else its first alternative name. A certificate that has neither has a name
// all the same, since its client must not choose one.
func certified(state *tls.ConnectionState) string {
	if state == nil || len(state.VerifiedChains) == 0 {
		return ""
	}
	name := nameOf(state.PeerCertificates[0])
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		quoted := strconv.QuoteToASCII(name) // it is shown in lines
		name = quoted[1 : len(quoted)-1]
	}
	return name
}

func nameOf(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.URIs) > 0:
		return c.URIs[0].String()
	case len(c.EmailAddresses) > 0:
		return c.EmailAddresses[0]
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	}
	return cmp.Or(c.Subject.String(), "certificate "+c.SerialNumber.Text(16))
}

// certifiedName returns the name of the client of a connection.
func certifiedName(conn net.Conn) string {
	if t, ok := conn.(*tls.Conn); ok {
		state := t.ConnectionState()
		return certified(&state)
	}
	return ""
}
