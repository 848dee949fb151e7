package client

import (
	"fmt"
	"net"
	"strings"
)

// DefaultAddr is where a daemon listens unless it is told otherwise.
const DefaultAddr = "127.0.0.1:9999"

// parseAddr reads HOST:PORT, tcp:HOST:PORT, tls://HOST:PORT or unix:PATH. A path that
// begins with @ is that of an abstract socket of Linux.
func parseAddr(addr string) (network, address string, secure bool, err error) {
	if path, found := strings.CutPrefix(addr, "unix:"); found {
		if path == "" {
			return "", "", false, fmt.Errorf("%q: %w", addr, ErrAddress)
		}
		return "unix", path, false, nil
	}
	address, secure = strings.CutPrefix(addr, "tls://")
	if !secure {
		address = strings.TrimPrefix(addr, "tcp:")
	}
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return "", "", false, fmt.Errorf("%q: %w", addr, ErrAddress)
	}
	return "tcp", address, secure, nil
}
