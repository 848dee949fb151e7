package client

import (
	"context"
	"errors"
	"fmt"

	"lockd/wire"
)

// What may go wrong, for errors.Is. The text of an error also says what was tried, with
// which name, and where (see [Error]).
var (
	// ErrHeld: another connection holds the lock, or others wait for it.
	ErrHeld = errors.New("another connection holds the lock")
	// ErrFull: the shared lock has as many holders as it may have, or others wait for it.
	ErrFull = errors.New("the lock has all the holders that it may have, or others wait for it")
	// ErrOtherBound: this connection holds the shared lock already, with another bound.
	// A reader cannot become a writer: release the lock first.
	ErrOtherBound = errors.New("this connection holds the lock already, with another bound; release it first")
	// ErrNotHeld: this connection does not hold the lock.
	ErrNotHeld = errors.New("this connection does not hold the lock")
	// ErrTimeout: the time for the wait is over. Where a context's deadline ended the
	// wait, the error is context.DeadlineExceeded as well.
	ErrTimeout = errors.New("the wait has timed out")
	// ErrCancelled: the wait was cancelled, by the context (then the error is its cause
	// as well), or by a server that stops.
	ErrCancelled = errors.New("the wait was cancelled")
	// ErrLost: the connection has ended, and with it every lock that it held.
	ErrLost = errors.New("the connection is lost, and its locks with it")
	// ErrReleased is the cause of the context of a lock that was released.
	ErrReleased = errors.New("the lock was released")
	// ErrLimit: the server holds as many locks as its limit allows.
	ErrLimit = errors.New("the server has reached its limit of locks")
	// ErrTooManyConnections: the server has as many connections as its limit allows.
	ErrTooManyConnections = errors.New("the server has reached its limit of connections")
	// ErrTooLong: the name is longer than the server takes.
	ErrTooLong = errors.New("the name is longer than the server takes")
	// ErrName: the name cannot be sent, or the server would change it.
	ErrName = errors.New("this is not a good name")
	// ErrDisabled: the server has this command switched off.
	ErrDisabled = errors.New("the server has this command switched off")
	// ErrNotFound: there is no such connection, or it does not hold that grant.
	ErrNotFound = errors.New("there is no such connection, or it does not hold that grant")
	// ErrUnsupported: the server is one that does not have this command.
	ErrUnsupported = errors.New("the server does not have this command")
	// ErrNotLockd: the server does not speak the protocol of lockd.
	ErrNotLockd = wire.ErrNotLockd
	// ErrTooLarge: the reply would be larger than the server's limit.
	ErrTooLarge = errors.New("the reply would be larger than the server sends; ask for a longer prefix")
	// ErrNoAnswer: there is no connection, or no answer, in time.
	ErrNoAnswer = errors.New("the server does not answer")
	// ErrAddress: the address cannot be read.
	ErrAddress = errors.New("this is not an address; write HOST:PORT, tls://HOST:PORT or unix:PATH")
	// ErrTLS: client and server do not agree on TLS; see WithTLS. One of them does not
	// speak it, or does not accept the other's certificate.
	ErrTLS = errors.New("no connection over TLS")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("the client or session was closed")
)

// Error is the error of all calls that reach for a server. Use errors.Is with the errors
// of this package rather than its fields.
type Error struct {
	Op   string // as in "acquire"
	Name string // of the lock, if it is about one
	Addr string // of the server
	Err  error
}

// Error says what was tried, and why it failed. Odd names are quoted.
func (e *Error) Error() string {
	op := e.Op
	if e.Name != "" {
		op += fmt.Sprintf(" %.80q", e.Name)
	}
	return fmt.Sprintf("%s at %s: %v", op, e.Addr, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// ended returns the error for a call whose context has ended.
func ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrTimeout, cause)
	}
	return fmt.Errorf("%w: %w", ErrCancelled, cause)
}

// lost returns the error for a connection that has ended for a reason.
func lost(reason error) error {
	if errors.Is(reason, ErrLost) {
		return reason
	}
	return fmt.Errorf("%w: %w", ErrLost, reason)
}
