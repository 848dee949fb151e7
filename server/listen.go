package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// keepaliveProbes is how many probes of a silent peer may fail at the most. Together
// they take as long as the silence before them.
const keepaliveProbes = 3

// ListenTCP listens on a TCP port, 0 for any that is free. keepalive is the
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
	l, err := config.Listen(context.Background(), "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on tcp %s port %d: %w", host, port, cause(err))
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

// ListenUnix listens on a unix socket of that path and mode. The socket that a
// dead server left is replaced; one that a server still listens on, or a file
// that is no socket, is an error. Closing the listener removes the socket.
func ListenUnix(path string, mode fs.FileMode) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The socket must not be open to more than mode allows even for a moment.
	var l net.Listener
	var err error
	withUmask(int(mode.Perm()), func() { l, err = net.Listen("unix", path) })
	if err != nil {
		return nil, fmt.Errorf("cannot listen on unix socket %s: %w", path, cause(err))
	}
	return l, nil
}

// removeStale removes the socket of a server that is gone.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot listen on unix socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("cannot listen on unix socket %s: there is a file that is no socket; choose another path or remove it", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return fmt.Errorf("cannot listen on unix socket %s: another server is listening on it", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("cannot listen on unix socket %s: cannot tell whether another server is listening on it: %w", path, cause(err))
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("cannot replace the stale unix socket: %w", err)
	}
	return nil
}

// cause strips the operation and address from a network error, which the
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
	return err
}
