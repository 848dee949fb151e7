package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"lockd/sim/tlstest"
	"lockd/sim/transport"
)

// TestEndsOverTLS checks what the server sees of each way to end a connection, and that the
// other direction goes on after a half-close.
func TestEndsOverTLS(t *testing.T) {
	ca := tlstest.NewAuthority(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ca.Issue(24*time.Hour, "127.0.0.1")}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := transport.Endpoint{Transport: transport.TCP, Address: l.Addr().String(), TLS: &transport.TLS{CA: ca.WriteFile(t.TempDir(), "ca.pem")}}
	for name, c := range map[string]struct {
		end  func(*transport.Conn) error
		want error // what reading returns at the server
	}{
		"half-close": {(*transport.Conn).CloseWrite, io.EOF},
		"reset":      {(*transport.Conn).Reset, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			served := make(chan error, 1)
			go func() {
				server, err := l.Accept()
				if err == nil {
					defer server.Close()
					_, err = io.ReadFull(server, make([]byte, 2))
				}
				if err == nil {
					_, err = server.Read(make([]byte, 1))
					server.Write([]byte("bye"))
				}
				served <- err
			}()
			client, err := transport.Dial(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := client.Write([]byte("hi")); err != nil {
				t.Fatal(err)
			}
			if err := c.end(client); err != nil {
				t.Error(err)
			}
			if err := <-served; !errors.Is(err, c.want) {
				t.Errorf("the server sees %v, want %v", err, c.want)
			}
			if name == "half-close" {
				if text, err := io.ReadAll(client); string(text) != "bye" || err != nil {
					t.Errorf("the client reads %q, %v", text, err)
				}
			}
		})
	}
	go func() {
		if c, err := l.Accept(); err == nil {
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	if _, err := transport.Dial(t.Context(), transport.Endpoint{Transport: transport.TCP, Address: e.Address, TLS: new(transport.TLS)}); err == nil {
		t.Error("an authority that nobody trusts is accepted")
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	go func() {
		if c, err := plain.Accept(); err == nil {
			c.Read(make([]byte, 4096)) // else it is a reset
			c.Write([]byte("0 TLS Not Supported\n"))
			c.Close()
		}
	}()
	e.Address = plain.Addr().String()
	if _, err := transport.Dial(t.Context(), e); !errors.As(err, new(tls.RecordHeaderError)) {
		t.Errorf("TLS to a plain port: %v", err)
	}
}
