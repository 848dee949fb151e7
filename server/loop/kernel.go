package loop

import (
	"syscall"

	"lockd/server/core"
)

// FD is the number of a descriptor. The kernel gives the number of a closed one
// to the next that is opened.
type FD int32

// Ready says what a descriptor is ready for.
type Ready uint8

const (
	// Readable means that Read or Accept would not block: there is something,
	// or the end.
	Readable Ready = 1 << iota
	// Writable means that Write would take some bytes.
	Writable
	// Hangup means that neither side can send any more. It is reported
	// whatever is watched.
	Hangup
	// Error means that the connection has failed. It is reported whatever is
	// watched.
	Error
)

// Event is what Wait reports of one descriptor: all that it is ready for.
type Event struct {
	Token uint64 // given to Watch
	Ready Ready
}

// Kernel is what the loop asks of an operating system. No call blocks but Wait.
// All but Wake are for the one loop that the Kernel belongs to.
type Kernel interface {
	// Now returns the time, which never goes back.
	Now() core.Time
	// Wait waits until a watched descriptor is ready, Wake is called, or it is
	// until, and fills in events; it returns how many. None means that there
	// is nothing to do, or that it was interrupted.
	Wait(events []Event, until core.Time) int
	// Wake makes Wait return, the next one if nobody waits now. It may be
	// called from any goroutine.
	Wake()
	// Accept takes the oldest connection from the queue of a listener; EAGAIN
	// if there is none.
	Accept(listener FD) (FD, core.Peer, syscall.Errno)
	// Watch makes Wait report that a descriptor is ready for what is wanted,
	// as long as it is, with this token; wanting nothing leaves Hangup and
	// Error.
	Watch(fd FD, want Ready, token uint64) syscall.Errno
	// Unwatch ends all reports of a descriptor.
	Unwatch(fd FD)
	// Read reads what has arrived; 0 bytes without error are the end of the
	// stream, EAGAIN is nothing yet.
	Read(fd FD, p []byte) (int, syscall.Errno)
	// Write sends as much as there is room for; EAGAIN is none.
	Write(fd FD, p []byte) (int, syscall.Errno)
	// CloseWrite ends the stream for the peer.
	CloseWrite(fd FD) syscall.Errno
	// Close closes a descriptor, of which nothing is reported after that.
	Close(fd FD)
}
