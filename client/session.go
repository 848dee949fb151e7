package client

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"lockd/wire"
)

// Session is one connection for many cheap commands. The calls of concurrent goroutines
// are pipelined, so that they share round trips. Its methods speak the words of the
// protocol, and none of them waits for a lock: that is what [Client.Acquire] is for.
//
// A lock belongs to the connection, so to the Session and all who use it: a lock that one
// goroutine got is got again by another, and released by any of them. When the connection
// is lost all its locks are, each call returns [ErrLost], and the Session is of no use any
// more; it never connects again.
//
// A call whose context ends returns at once. What it has sent may have been executed.
type Session struct {
	client *Client
	conn   *conn
}

// Session opens a connection of its own, or takes one that is idle. Close it.
func (c *Client) Session(ctx context.Context) (*Session, error) {
	k, _, err := c.get(ctx)
	if err != nil {
		return nil, c.error("open a session", "", err)
	}
	c.mu.Lock()
	delete(c.open, k) // Close of the Client does not end it
	c.mu.Unlock()
	return &Session{c, k}, nil
}

// Close ends the connection, and with it all locks of the Session.
func (s *Session) Close() error {
	s.conn.end(ErrClosed)
	return nil
}

// Done returns a channel that is closed when the connection has ended, and all locks of
// the Session with it.
func (s *Session) Done() <-chan struct{} { return s.conn.done }

func (s *Session) error(op, name string, err error) error { return s.client.error(op, name, err) }

func (s *Session) lockName(name string) (string, error) { return s.client.lockName(name) }

// ask sends a command about a name, and returns the number of the reply. no is the error
// for a no that has no other.
func (s *Session) ask(ctx context.Context, op string, r request, no error) (int64, error) {
	name, err := s.lockName(r.name)
	if err != nil {
		return 0, s.error(op, r.name, err)
	}
	if r.command.Extended() && !s.conn.level.extended {
		return 0, s.error(op, r.name, ErrUnsupported)
	}
	r.name = name
	n, err := s.conn.ask(ctx, r)
	if err == nil && n == 0 {
		err = no
	}
	return n, s.error(op, name, err)
}

// Get gets an exclusive lock, or returns ErrHeld. A lock that the Session holds it gets
// again, except in the classic dialect.
func (s *Session) Get(ctx context.Context, name string) error {
	_, err := s.ask(ctx, "get", request{command: wire.Get, name: name}, ErrHeld)
	return err
}

// Release releases an exclusive lock, or returns ErrNotHeld.
func (s *Session) Release(ctx context.Context, name string) error {
	_, err := s.ask(ctx, "release", request{command: wire.Release, name: name}, ErrNotHeld)
	return err
}

// Inspect says whether anybody holds an exclusive lock.
func (s *Session) Inspect(ctx context.Context, name string) (held bool, err error) {
	n, err := s.ask(ctx, "inspect", request{command: wire.Inspect, name: name}, nil)
	return n > 0, err
}

// GetShared gets a shared lock, which any number of connections may hold, and returns
// how many do, this one included. It goes past those who wait, and past all bounds.
func (s *Session) GetShared(ctx context.Context, name string) (holders int, err error) {
	n, err := s.ask(ctx, "get shared", request{command: wire.GetShared, name: name}, ErrHeld)
	return int(n), err
}

// ReleaseShared releases a shared lock, or returns ErrNotHeld.
func (s *Session) ReleaseShared(ctx context.Context, name string) error {
	_, err := s.ask(ctx, "release shared", request{command: wire.ReleaseShared, name: name}, ErrNotHeld)
	return err
}

// InspectShared returns how many connections hold a shared lock.
func (s *Session) InspectShared(ctx context.Context, name string) (holders int, err error) {
	n, err := s.ask(ctx, "inspect shared", request{command: wire.InspectShared, name: name}, nil)
	return int(n), err
}

// GetBounded gets a shared lock if it then has at most bound holders, and no more than
// the bound of any other allows; 0 is no bound of its own. Else it returns ErrFull; or
// ErrOtherBound if the Session holds the lock with another bound. It needs the extended
// level.
func (s *Session) GetBounded(ctx context.Context, name string, bound int) (holders int, err error) {
	if err := checkBound(bound); err != nil {
		return 0, s.error("get shared", name, err)
	}
	n, err := s.ask(ctx, "get shared", request{command: wire.GetBounded, name: name, bound: bound}, ErrFull)
	return int(n), err
}

// checkBound checks that a bound can be sent.
func checkBound(bound int) error {
	if bound < 0 || bound > wire.MaxBound {
		return fmt.Errorf("the bound %d is not between 0 and %d", bound, wire.MaxBound)
	}
	return nil
}

// Token returns the token of an exclusive lock that the Session holds, or ErrNotHeld. It
// needs the extended level.
func (s *Session) Token(ctx context.Context, name string) (uint64, error) {
	n, err := s.ask(ctx, "ask for the token of", request{command: wire.Token, name: name}, ErrNotHeld)
	return uint64(n), err
}

// SharedToken is Token for a shared lock.
func (s *Session) SharedToken(ctx context.Context, name string) (uint64, error) {
	n, err := s.ask(ctx, "ask for the token of", request{command: wire.SharedToken, name: name}, ErrNotHeld)
	return uint64(n), err
}

// Ping returns when the server has answered a command that changes nothing.
func (s *Session) Ping(ctx context.Context) error {
	_, err := s.conn.ask(ctx, request{command: wire.Inspect, name: "lockd-ping"})
	return s.error("ping", "", err)
}

// Me returns the address under which the server shows the connection, and its name, which
// is the address if it has registered none.
func (s *Session) Me(ctx context.Context) (addr, name string, err error) {
	if s.conn.level.classic {
		return "", "", s.error("ask for the address", "", ErrUnsupported)
	}
	lines, err := s.conn.lines(ctx, wire.Me, "")
	if err == nil && len(lines) != 1 {
		err = ErrUnsupported
	}
	if err != nil {
		return "", "", s.error("ask for the address", "", err)
	}
	_, text, _ := strings.Cut(lines[0], " ")
	addr, name, _ = strings.Cut(text, " ")
	return addr, name, nil
}

// Iam registers a name for the connection, which lists show instead of its address. The
// empty name takes it back.
func (s *Session) Iam(ctx context.Context, name string) error {
	if s.conn.level.classic {
		return s.error("register", name, ErrUnsupported)
	}
	clean, err := s.lockName(name)
	if err == nil {
		var lines []string
		if lines, err = s.conn.lines(ctx, wire.Iam, clean); err == nil && len(lines) != 1 {
			err = ErrUnsupported
		}
	}
	return s.error("register", name, err)
}

// Number returns the number of the connection, by which others may kill it. It needs the
// extended level.
func (s *Session) Number(ctx context.Context) (uint64, error) {
	if !s.conn.level.extended {
		return 0, s.error("ask for the number", "", ErrUnsupported)
	}
	n, err := s.conn.ask(ctx, request{command: wire.Kill})
	return uint64(n), s.error("ask for the number", "", err)
}

// Kill ends a connection, and with it all its locks, which are released when Kill
// returns. With a token that is not 0 it does so only if that connection holds the grant
// with that token. It returns ErrNotFound if there is no such connection or grant, and
// ErrDisabled unless the daemon was started with -kill.
func (s *Session) Kill(ctx context.Context, conn, token uint64) error {
	op := fmt.Sprintf("kill connection %d", conn)
	if !s.conn.level.extended {
		return s.error(op, "", ErrUnsupported)
	}
	arguments := strconv.FormatUint(conn, 10)
	if token != 0 {
		arguments += " " + strconv.FormatUint(token, 10)
	}
	_, err := s.conn.ask(ctx, request{command: wire.Kill, name: arguments})
	return s.error(op, "", err)
}
