package sockets

import (
	"context"
	"time"

	"lockd/sim/transport"
	"lockd/wire"
)

// link is a client's connection.
type link struct {
	*transport.Conn
	ended <-chan struct{} // closed when the server has closed its side; nil for a Remote
}

func dial(e transport.Endpoint) (*link, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := transport.Dial(ctx, e)
	if err != nil {
		return nil, err
	}
	return &link{Conn: c}, nil
}

// wait waits until the server has closed its side, which it may do only after
// it has released the locks [END-5]. It returns false if that cannot be known, or takes
// longer than patience.
func (c *link) wait() bool {
	if c.ended == nil {
		return false
	}
	select {
	case <-c.ended:
		return true
	case <-time.After(patience):
		return false
	}
}

// statistics asks for the statistics.
func (c *link) statistics() (map[string]uint64, error) {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("q\n")); err != nil {
		return nil, err
	}
	return wire.NewReplyReader(c, 0).Stats()
}
