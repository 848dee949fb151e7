package world

import (
	"lockd/server/core"
	"lockd/server/loop"
	"lockd/sim/kernel"
)

// loopRunner is one loop and its kernel.
type loopRunner struct {
	loop   *loop.Loop
	poller *kernel.Poller
	faulty *kernel.Faulty
	over   bool // Turn has returned false
	// blocked says that its last turn had nothing to do.
	blocked bool
}

// connState is one connection, as it is known from outside the server.
type connState struct {
	label int
	addr  string
	end   *kernel.End
	fd    loop.FD

	sent    []byte // arrived at the server, and not consumed by Core
	arrived int    // bytes that arrived at the server so far
	given   int    // bytes that Core has consumed
	owed    []byte // replies that the server has not written

	admitted, refused, aborted bool
	released, closed           bool
	left                       bool // the client has closed its end
	finished                   bool // the client has ended its stream
	broken                     bool // the kernel has reported an error to the server
	ended                      bool // the server has read the end of the stream
	dropped                    bool // the server was told to drop it
	unsolicited                bool // it was sent output that it has not asked for
	waits                      bool // for a reply
	queued                     bool // it waits for a lock
	peerEnded                  bool // the kernel has reported the end of its client's stream
	killed                     bool // by a command of another connection
	killedItself               bool // Core has ended it, and its client may still be sent replies
	foreign                    bool // it speaks another protocol (BAD-7), or has killed itself
	resumed                    bool // its reply has come, and its loop has taken no turn since
	before                     int  // bytes that were owed before the reply that it waited for
	loop                       *loopRunner
	idleExpired, writeExpired  bool // when it was released, its idle or write deadline had passed
	graceful                   bool // it was released at the end of its stream, at a stop or under BAD-7
	shortRead                  bool // while the server was stopping, a faulty read returned less than had arrived
	due                        int  // bytes that had arrived when the server was stopped

	lastActive   core.Time // when the server last read something, or had written everything
	lastProgress core.Time // when a reply began to be owed, or some of it was last taken
	owedSince    core.Time // when a reply began to be owed
	acceptedAt   core.Time // when it was accepted
	endedAt      core.Time // when it was released or refused

	wrote  int // bytes of replies that the server has sent
	got    int // bytes of replies that the client has read
	readIn int // the last turn in which it was read from
	ranIn  int // the last turn in which input of it was executed

	record *clientRecord // of a recorded run, until the connection is released
}
