package world

import (
	"lockd/server/core"
	"lockd/server/loop"
	"lockd/sim/kernel"
)

// runner is one loop and its kernel.
type runner struct {
	loop   *loop.Loop
	poller *kernel.Poller
	faulty *kernel.Faulty
	over   bool // Turn has returned false
	// blocked says that its last turn was for nothing.
	blocked bool
}

// link is one connection, as it is known from outside of the server.
type link struct {
	label int
	addr  string
	end   *kernel.End
	fd    loop.FD

	sent    []byte // arrived at the server, and not looked at by Core
	arrived int    // bytes that arrived at the server so far
	given   int    // those that Core has looked at
	owed    []byte // replies that the server has not written

	admitted, refused, aborted bool
	released, closed           bool
	left                       bool // the client has closed its end
	finished                   bool // the client has ended its stream
	broken                     bool // the server was told of an error
	ended                      bool // the server was told of the end
	dropped                    bool // the server was told to drop it
	told                       bool // others have caused output for it
	waits                      bool // for a dump
	foreign                    bool // it speaks another protocol (BAD-7)
	resumed                    bool // it goes on, and its loop has not heard of it
	before                     int  // bytes that were owed before the reply that it waited for
	by                         *runner
	idly, slowly               bool // when it was released, its time was over
	graceful                   bool // it was released because of an end of its stream, or a stop
	misled                     bool // the kernel has told the server that stops that less was there
	due                        int  // bytes that had arrived when the server was stopped

	heard core.Time // when the server last read something, or had written everything
	taken core.Time // when a reply began to be owed, or some of it was last taken
	owing core.Time // when a reply began to be owed
	began core.Time // when it was accepted
	over  core.Time // when it was released or refused

	wrote  int // bytes of replies that the server has sent
	got    int // those that the client has read
	readIn int // the turn in which it was read from last
	ranIn  int // the turn in which it had something executed last

	seen *seen // of a recorded run, until the connection is released
}
