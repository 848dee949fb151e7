package world

import (
	"lockd/server/core"
	"lockd/sim/kernel"
	"lockd/wire"
)

// Options are all the choices that make one run differ from another. They are
// printed as they are before a failure is explained.
type Options struct {
	Seed uint64 // of everything that is decided during the run

	Classic        bool
	Registry       bool
	Dump           bool
	AnswerInvalid  bool
	MaxLine        int // bytes
	MaxConnections int // 0: no limit
	MaxLocks       int // 0: no limit
	EndPiece       int // holdings that the end of a connection clears in one step; 0: the default
	SmallDump      int // lines of dumps that are made at once; 0: the default, -1: none

	// Of event loops; without any, Core is served alone.
	Loops        int
	Turns        int          // most turns after something has happened
	Receive      int          // bytes that may wait for the server to be read
	IdleTimeout  int          // milliseconds; 0: none
	WriteTimeout int          // milliseconds; 0: none
	Tell         int          // percent of calls of Core that cause output for others too, now and later
	Rates        kernel.Rates // of the faults of the kernel
	Patience     int          // times in a row that it puts the same thing off

	Steps    int // events before the calm phase
	Peers    int // clients at once, reconnects included
	Names    int // names they fight for
	OddNames bool
	Pipeline int // most commands that a client sends at once
	Hoard    int // locks that the first connection takes before the rest begins
	Window   int // bytes of replies that fit between server and a client that does not read

	WebSocketPercent int // of connections
	SameAddrPercent  int // of connections that get the address of another one
	ManglePercent    int // of lines of careless and hostile clients

	Behaviours Behaviours
	Weights    Weights

	Record     bool // what the clients see goes to porcupine
	Canary     bool // the oracle is wrong on purpose
	ValidEvery int  // steps between two looks at Core's invariants
}

// Behaviours are the weights of the behaviours of clients.
type Behaviours struct{ Behaved, Contending, Careless, Hostile int }

// Weights say how often each action of the loop is chosen, in proportion.
type Weights struct {
	Exchange  int // a client sends and all of it arrives at once
	Send      int // a client sends; the network keeps it for now
	Join      int // all that is under way on a connection arrives at once
	Split     int // a piece of it arrives
	Bytewise  int // all of it arrives, byte by byte
	Tear      int // a client sends half a line
	Drain     int // a client reads its replies
	HalfClose int // a client closes its sending side
	Vanish    int // a client closes both sides and reads no more
	Reset     int // what is under way is lost and the connection is gone
	Drop      int // the server gives a connection up, as after a timeout
	Storm     int // many connections end and come back
	Audit     int // the auditor checks statistics and dumps
	Restart   int // the server stops and another one starts
}

func (o Options) idleLimit() core.Time  { return core.Time(o.IdleTimeout) * core.Millisecond }
func (o Options) writeLimit() core.Time { return core.Time(o.WriteTimeout) * core.Millisecond }

// core is the part of the options that the server is made with.
func (o Options) core() core.Config {
	dialect := wire.Glockd
	if o.Classic {
		dialect = wire.Classic
	}
	return core.Config{
		Dialect: dialect, Registry: o.Registry, Dump: o.Dump, AnswerInvalid: o.AnswerInvalid,
		MaxLine: o.MaxLine, MaxConnections: o.MaxConnections, MaxLocks: o.MaxLocks, PID: classicPID,
		SmallDump: o.SmallDump, EndPiece: o.EndPiece,
	}
}

const classicPID = 4711
