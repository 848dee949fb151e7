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

// keepaliveProbes is the maximum number of failed probes of a silent peer. Together
// they take as long as the silence before them.
const keepaliveProbes = 3

// ListenTCP listens on a TCP port (0 is any free one) of exactly one address; host ""
// is all addresses of this machine. keepalive is the silence after which a peer is
// probed, in whole seconds; 0 is never. A peer that does not answer is dropped, and its
// locks are released, after about twice that time. On Linux so is a peer that does not
// acknowledge data, whatever writeTimeout is; if either is 0, the kernel's own limit
// applies to it.
func ListenTCP(host string, port int, keepalive, writeTimeout time.Duration) (net.Listener, error) {
	options := newTCPOptions(keepalive, writeTimeout)
	config := net.ListenConfig{Control: options.control, KeepAlive: -1, KeepAliveConfig: options.keepaliveConfig()}
	// A loop accepts plain TCP.
	config.SetMultipathTCP(false)
	network := "tcp"
	if addr, err := netip.ParseAddr(host); err == nil {
		network = "tcp6" // "tcp" would listen on both families for 0.0.0.0 and ::
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
	userTimeout time.Duration // for sent data to be acknowledged; 0 is the kernel's
}

// newTCPOptions returns the options for the arguments of ListenTCP.
func newTCPOptions(keepalive, writeTimeout time.Duration) tcpOptions {
	options := tcpOptions{keepalive: keepalive}
	if keepalive > 0 && writeTimeout > 0 {
		// This overrides the number of probes: a longer time would let a peer that
		// has vanished hold its locks for longer.
		options.userTimeout = 2 * keepalive
	}
	return options
}

// keepaliveConfig is what the net package sets on connections that it accepts.
func (o tcpOptions) keepaliveConfig() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: o.keepalive > 0, Idle: o.keepalive, Interval: o.interval(), Count: o.probes()}
}

// interval is the time between two probes.
func (o tcpOptions) interval() time.Duration { return max(o.keepalive/keepaliveProbes, time.Second) }

// probes returns how many probes may fail: together they take as long as the silence
// before them, in whole seconds.
func (o tcpOptions) probes() int {
	return max(1, min(keepaliveProbes, int(o.keepalive/o.interval())))
}

// cause strips the operation and address from an error, since the messages here
// already name them.
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
