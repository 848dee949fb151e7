package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"
)

// keepaliveProbes is how many probes of a silent peer may fail at the most. Together
// they take as long as the silence before them.
const keepaliveProbes = 3

// ListenTCP listens on a TCP port, 0 for any that is free, of an address, and of
// nothing else; host "" is all addresses of this machine. keepalive is the
// silence after which a peer is probed; one that does not answer is given up,
// and its locks are released, after about twice that. It counts in seconds; 0 is
// never. On Linux, a peer that does not take what it is sent is given up after that
// time too, whatever writeTimeout is; if either is 0, when the kernel does so by
// itself.
func ListenTCP(host string, port int, keepalive, writeTimeout time.Duration) (net.Listener, error) {
	options := tcpOptions{keepalive: keepalive}
	if keepalive > 0 && writeTimeout > 0 {
		// It also takes the place of the number of probes: a longer one would let a
		// peer that has vanished hold its locks for longer.
		options.userTimeout = 2 * keepalive
	}
	config := net.ListenConfig{Control: options.control, KeepAlive: -1}
	if keepalive > 0 {
		config.KeepAliveConfig = net.KeepAliveConfig{
			Enable:   true,
			Idle:     keepalive,
			Interval: options.interval(),
			Count:    options.probes(),
		}
	}
	// A loop accepts plain TCP.
	config.SetMultipathTCP(false)
	network := "tcp"
	if addr, err := netip.ParseAddr(host); err == nil {
		network = "tcp6" // 0.0.0.0 and :: would be both
		if addr = addr.Unmap(); addr.Is4() {
			network, host = "tcp4", addr.String()
		}
	}
	l, err := config.Listen(context.Background(), network, net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on tcp %s: %w", net.JoinHostPort(cmp.Or(host, "*"), strconv.Itoa(port)), cause(err))
	}
	return l, nil
}

// tcpOptions are the options of connections that a TCP listener accepts.
type tcpOptions struct {
	keepalive   time.Duration // silence before the first probe; 0 is no probes
	userTimeout time.Duration // for what is sent to be confirmed; 0 is the kernel's
}

// interval is the time between two probes.
func (o tcpOptions) interval() time.Duration { return max(o.keepalive/keepaliveProbes, time.Second) }

// probes is how many may fail: they take as long as the silence before them, in
// whole seconds.
func (o tcpOptions) probes() int {
	return max(1, min(keepaliveProbes, int(o.keepalive/o.interval())))
}

// cause strips the operation and address from an error, which the
// messages here name themselves.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err
}
