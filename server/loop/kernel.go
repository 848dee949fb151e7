package loop

import (
	"syscall"

	"lockd/server/core"
)

// FD is the number of a descriptor. The kernel reuses the numbers of closed ones.
type FD int32

// Ready says what a descriptor is ready for.
type Ready uint8

const (
	// Readable means that Read or Accept would not block: there is input, a
	// connection, or the end of the stream.
	Readable Ready = 1 << iota
	// Writable means that Write would take some bytes.
	Writable
	// PeerEnded means that the peer has ended its stream, which may be behind input that
	// is not read yet. The kernel may learn of it late.
	PeerEnded
	// Hangup means that neither side can send any more. It is always reported.
	Hangup
	// Error means that the connection has failed. It is always reported.
	Error
)

// Event is what Wait reports about one descriptor: all that it is ready for.
type Event struct {
	Token uint64 // the argument of Watch
	Ready Ready
}

// Kernel is the operating system interface of a Loop. Only Wait blocks. Only Wake may
// be called from other goroutines than that of the one Loop that uses the Kernel.
type Kernel interface {
	// Now returns the time, which never goes back.
	Now() core.Time
	// Wait waits until a watched descriptor is ready, Wake is called, or the time
	// until has come. It fills in events and returns their number, 0 also if it
	// was interrupted.
	Wait(events []Event, until core.Time) int
	// Wake makes the current call of Wait return, or the next one if there is
	// none. It may be called from any goroutine.
	Wake()
	// Accept takes the oldest connection from the queue of a listener; EAGAIN
	// if there is none.
	Accept(listener FD) (FD, core.Peer, syscall.Errno)
	// Watch makes Wait report, with this token, that a descriptor is ready for
	// what is wanted, as long as it is. If want is 0, Wait reports only Hangup and
	// Error.
	Watch(fd FD, want Ready, token uint64) syscall.Errno
	// Unwatch ends all reports about a descriptor.
	Unwatch(fd FD)
	// Read reads what has arrived; 0 bytes without error are the end of the
	// stream, EAGAIN means that nothing has arrived.
	Read(fd FD, p []byte) (int, syscall.Errno)
	// Write sends as much as there is room for; EAGAIN means that there is none.
	Write(fd FD, p []byte) (int, syscall.Errno)
	// CloseWrite ends the stream for the peer.
	CloseWrite(fd FD) syscall.Errno
	// Close closes a descriptor and ends all reports about it.
	Close(fd FD)
}
