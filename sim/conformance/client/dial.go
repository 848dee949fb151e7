package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"lockd/sim/transport"
)

const (
	// connectTimeout is how long connecting may take at least, even if the time limit of
	// a reply is shorter: if the queue of a listener is full, the kernel tries again
	// after one second and after three.
	connectTimeout = 10 * time.Second
	// refusedTime is how long a refused connection is tried again, since a full queue may
	// be the reason.
	refusedTime = time.Second
)

// DialRaw connects. timeout is how long one write may take later.
func DialRaw(ctx context.Context, e transport.Endpoint, timeout time.Duration) (Raw, error) {
	ctx, cancel := context.WithTimeout(ctx, max(timeout, connectTimeout))
	defer cancel()
	began := time.Now()
	for {
		raw, err := DialOnce(ctx, e, timeout)
		refused := errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ECONNRESET)
		if err == nil || !refused || time.Since(began) > refusedTime {
			return raw, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(refusedTime / 20):
		}
	}
}

// DialOnce is DialRaw for a server that may not listen yet: it tries once.
func DialOnce(ctx context.Context, e transport.Endpoint, timeout time.Duration) (Raw, error) {
	ctx, cancel := context.WithTimeout(ctx, max(timeout, connectTimeout))
	defer cancel()
	if e.Transport == transport.WebSocket {
		own, err := transport.OwnOrigin(e.Address) // some servers refuse clients without
		if err != nil {
			return nil, err
		}
		ws, err := transport.DialMessages(ctx, e, own)
		if err != nil {
			return nil, err
		}
		ws.SetReadLimit(maxMessage)
		return &messages{ws, timeout}, nil
	}
	nc, err := transport.DialSocket(ctx, e, nil)
	if err != nil {
		return nil, err
	}
	return &stream{nc, timeout}, nil
}

// DialFrom connects over TCP from a local address, whose port may be 0. It tries once.
func DialFrom(ctx context.Context, local *net.TCPAddr, e transport.Endpoint, timeout time.Duration) (Raw, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	nc, err := transport.DialSocket(limited, e, local)
	if err != nil {
		return nil, err
	}
	return &stream{nc, timeout}, nil
}

// Handshake performs a WebSocket handshake as a page of origin would, and returns the HTTP
// status. HOST in origin is replaced by the server's host.
func Handshake(ctx context.Context, e transport.Endpoint, origin string) (int, error) {
	u, err := url.Parse(e.Address)
	if err != nil {
		return 0, err
	}
	ws, err := transport.DialMessages(ctx, e, strings.ReplaceAll(origin, "HOST", u.Host))
	var refused *transport.HTTPError
	switch {
	case errors.As(err, &refused):
		return refused.Code, nil
	case err != nil:
		return 0, err
	}
	ws.CloseNow()
	return http.StatusSwitchingProtocols, nil
}
