package server

import (
	"crypto/tls"
	"errors"
	golog "log"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// requestTimeout is how long a client may take for an HTTP request, and its answer.
	// A handler may extend the latter.
	requestTimeout = 10 * time.Second
	// maxHeader is the maximum size of the header of a request in bytes.
	maxHeader = 16 << 10
)

// Handle sets what answers HTTP requests that do not ask for a WebSocket and that WS-4 would
// not refuse. Without it they are answered that they should. It must be called before
// ServeWebSocket.
func (s *Server) Handle(h http.Handler) { s.handler = h }

// ServeWebSocket accepts WebSocket connections, under any path, and HTTP requests (Handle),
// until Shutdown or Close, and then returns ErrClosed. It closes the listener. Failed
// accepts are logged and tried again after a pause. If too many connections are not
// WebSockets, it closes the oldest of them.
func (s *Server) ServeWebSocket(l net.Listener) error { return s.serveWeb(l, nil) }

// ServeWebSocketTLS is ServeWebSocket for clients that speak TLS. As with ServeTLS, a client
// whose certificate was verified bears the name in it.
func (s *Server) ServeWebSocketTLS(l net.Listener, config *tls.Config) error {
	return s.serveWeb(l, config)
}

func (s *Server) serveWeb(l net.Listener, config *tls.Config) error {
	connections := newBrief(briefLimit(s.config.Core.MaxConnections))
	h := &http.Server{
		Handler:        http.HandlerFunc(s.serveHTTP),
		ReadTimeout:    requestTimeout,
		WriteTimeout:   requestTimeout,
		IdleTimeout:    requestTimeout,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       golog.New(httpLog{s.log}, "", 0),
		ConnState:      connections.track,
	}
	if !s.addHTTP(h, connections) {
		l.Close()
		return ErrClosed
	}
	l = retrying{l, s}
	if config != nil {
		l = s.secure(l, config)
	}
	err := h.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return ErrClosed
	}
	return err
}

// httpLog writes what package net/http says at debug level, but for panics of a handler, from
// which it recovers.
type httpLog struct{ log *log }

// Write implements io.Writer for log.Logger: each call is a message.
func (h httpLog) Write(message []byte) (int, error) {
	text := strings.TrimSuffix(string(message), "\n")
	if strings.HasPrefix(text, "http: panic serving ") {
		h.log.panicked(text)
	} else {
		h.log.Debug(text)
	}
	return len(message), nil
}

// serveHTTP answers one request.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.handler == nil || wantsWebSocket(r):
		s.upgrade(w, r)
	case !mayRead(r, s.config.Origins):
		http.Error(w, "this host or origin is not allowed; -ws-origin would allow it", http.StatusForbidden)
	default:
		s.handler.ServeHTTP(w, r)
	}
}

// wantsWebSocket says whether a request asks for a WebSocket, well or badly. The header
// Connection does not tell: proxies are often configured to send it with every request.
func wantsWebSocket(r *http.Request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Upgrade")), "websocket") || r.Header.Get("Sec-WebSocket-Key") != ""
}
