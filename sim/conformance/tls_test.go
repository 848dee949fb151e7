package conformance_test

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"lockd/server"
	"lockd/server/core"
	"lockd/sim/conformance"
	"lockd/sim/conformance/process"
	"lockd/sim/conformance/protocol"
	"lockd/sim/tlstest"
	"lockd/sim/transport"
)

// TestTLS checks that the whole suite works over TLS: no case needs a plain connection.
func TestTLS(t *testing.T) {
	t.Parallel()
	ca := tlstest.NewAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{ca.Issue(24*time.Hour, "127.0.0.1")}}
	security := &transport.TLS{CA: ca.WriteFile(t.TempDir(), "ca.pem")}
	start := func(context.Context) (*process.Instance, error) {
		s := server.New(server.Config{Core: core.Config{Registry: true, Dump: true, Kill: true}})
		instance := &process.Instance{Stop: s.Shutdown, Exited: make(chan struct{})}
		for _, e := range []transport.Endpoint{{Transport: transport.TCP}, {Transport: transport.WebSocket}} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			e.Address, e.TLS = l.Addr().String(), security
			if e.Transport == transport.TCP {
				go s.ServeTLS(l, config)
			} else {
				e.Address = "wss://" + e.Address + "/"
				go s.ServeWebSocketTLS(l, config)
			}
			instance.Endpoints = append(instance.Endpoints, e)
		}
		return instance, nil
	}
	mustConform(t, conformance.Options{Start: start, Timeout: 10 * time.Second, Level: protocol.Extended})
}
