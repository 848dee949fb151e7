package conformance_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"lockd/server"
	"lockd/server/core"
	"lockd/sim/conformance"
	"lockd/sim/conformance/process"
	"lockd/sim/transport"
)

// TestHandshakes tests servers that refuse some WebSocket handshakes.
func TestHandshakes(t *testing.T) {
	t.Parallel()
	s := server.New(server.Config{Core: core.Config{Registry: true, Dump: true}})
	t.Cleanup(func() { s.Close() })
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.ServeWebSocket(inner)
	for name, c := range map[string]struct {
		refuses func(*http.Request) bool
		want    string // in the error; "" is none
	}{
		"an origin":  {func(r *http.Request) bool { return r.Header.Get("Origin") != "http://"+r.Host }, ""},
		"everything": {func(*http.Request) bool { return true }, "HTTP status 403"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: inner.Addr().String()})
			h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.refuses(r) {
					http.Error(w, "no", http.StatusForbidden)
					return
				}
				r.Header.Del("Origin") // it is not the origin of the server behind this proxy
				proxy.ServeHTTP(w, r)
			}))
			defer h.Close()
			opts := at(transport.Endpoint{Transport: "ws", Address: "ws" + strings.TrimPrefix(h.URL, "http")})
			opts.Run = []string{"get-free"}
			opts.Start = func(context.Context) (*process.Instance, error) {
				return &process.Instance{Endpoints: opts.Endpoints, Stop: func(context.Context) error { return nil }, Exited: make(chan struct{})}, nil
			}
			found, err := conformance.Run(t.Context(), opts)
			if c.want == "" && (err != nil || !found.Conforms()) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
