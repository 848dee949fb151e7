package server

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strconv"
	"strings"
	"unicode"
)

// ServeTLS is Serve for clients that speak TLS, each of which is served by a goroutine. A
// client whose certificate config has verified bears the name in it (IAM-3). The number of
// unfinished handshakes has the limit of short-lived connections; beyond, the oldest is
// closed. One handshake computes at a time.
func (s *Server) ServeTLS(l net.Listener, config *tls.Config) error {
	return s.acceptAll(l, func(c net.Conn) { s.startTLS(c, config) })
}

// startTLS makes the handshake of a connection, and serves it, in a goroutine of its own.
func (s *Server) startTLS(nc net.Conn, config *tls.Config) {
	h := newHandshake(nc, &s.computing)
	x := newSession(s, tls.Server(h, config))
	if !s.begin(x) {
		nc.Close()
		return
	}
	s.handshakes.add(x.conn) // in the order of arrival
	go func() {
		if !s.shakeHands(h, x.conn.(*tls.Conn), tlsRequired) {
			s.finish(x)
			return
		}
		x.open()
		x.serve()
	}()
}

// certified returns the name in the verified certificate of a client, "" without one: its
// common name, or else its first alternative name. A certificate that has neither has a name
// all the same, since its client must not choose one.
func certified(state *tls.ConnectionState) string {
	if state == nil || len(state.VerifiedChains) == 0 {
		return ""
	}
	name := nameOf(state.PeerCertificates[0])
	if strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || !unicode.IsPrint(r) }) {
		quoted := strconv.QuoteToASCII(name) // it is shown in lines, and no other name looks the same
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
