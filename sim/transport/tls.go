package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
)

// TLS says how to connect over TLS. The zero value trusts the authorities of the system.
// The files are read once. It is used by pointer.
type TLS struct {
	CA   string `json:"ca,omitempty"`   // a PEM file of authorities to trust instead
	Cert string `json:"cert,omitempty"` // a PEM file with a certificate of the client
	Key  string `json:"key,omitempty"`  // a PEM file with its key
	Name string `json:"name,omitempty"` // in the server's certificate; empty: the host of the address

	once   sync.Once
	config *tls.Config
	err    error
}

// Check reads the files.
func (t *TLS) Check() error {
	t.once.Do(func() { t.config, t.err = t.read() })
	return t.err
}

func (t *TLS) read() (*tls.Config, error) {
	config := &tls.Config{ServerName: t.Name}
	if t.CA != "" {
		text, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("cannot read the authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s has no certificate in PEM form", t.CA)
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		return nil, errors.New("a certificate and its key go together; they may be in one file")
	}
	if t.Cert != "" {
		mine, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot read the certificate %s and its key %s: %w", t.Cert, t.Key, err)
		}
		config.Certificates = []tls.Certificate{mine}
	}
	return config, nil
}

// secure shakes hands on a socket that is connected to HOST:PORT, or closes it.
func (t *TLS) secure(ctx context.Context, socket net.Conn, address string) (net.Conn, error) {
	err := t.Check()
	if err == nil {
		config := t.config.Clone()
		host, _, _ := net.SplitHostPort(address)
		config.ServerName = cmp.Or(t.Name, host, "localhost")
		c := tls.Client(socket, config)
		if err = c.HandshakeContext(ctx); err == nil {
			return c, nil
		}
		if errors.As(err, new(tls.RecordHeaderError)) {
			err = fmt.Errorf("%w: it does not speak TLS at this address", err)
		}
	}
	socket.Close()
	return nil, err
}

// DialSocket connects over TCP or a unix socket, with TLS where the endpoint has it. local
// is the client's address, whose port may be 0; nil is any.
func DialSocket(ctx context.Context, e Endpoint, local *net.TCPAddr) (net.Conn, error) {
	d := new(net.Dialer)
	if local != nil {
		d.LocalAddr = local
	}
	socket, err := d.DialContext(ctx, e.Transport, e.Address)
	if err != nil || e.TLS == nil {
		return socket, err
	}
	return e.TLS.secure(ctx, socket, e.Address)
}
