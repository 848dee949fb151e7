package server

import (
	"fmt"
	"net"
	"os"
	"time"
)

// ListenPassed returns the listener of a descriptor that another process has opened,
// which must be a listening stream socket: of TCP, with the options that ListenTCP sets,
// or a unix socket, which closing the listener does not remove. The listener has a
// descriptor of its own: f stays the caller's.
func ListenPassed(f *os.File, keepalive, writeTimeout time.Duration) (net.Listener, error) {
	if err := checkListening(f); err != nil {
		return nil, err
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, cause(err)
	}
	tcp, is := l.(*net.TCPListener)
	if !is {
		return l, nil
	}
	options := newTCPOptions(keepalive, writeTimeout)
	raw, err := tcp.SyscallConn()
	if err == nil {
		err = options.control("", "", raw)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("cannot set the options of plain TCP: %w", cause(err))
	}
	return passedTCP{tcp, options}, nil
}

// passedTCP is a listener that was not made by a net.ListenConfig, which would set
// these options.
type passedTCP struct {
	*net.TCPListener
	options tcpOptions
}

// Accept implements net.Listener.
func (l passedTCP) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	c.SetKeepAliveConfig(l.options.keepaliveConfig()) // fails only if the peer has gone
	return c, nil
}
