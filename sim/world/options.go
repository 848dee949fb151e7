package world

import (
	"lockd/server/core"
	"lockd/sim/kernel"
	"lockd/wire"
)

// Options are all the choices that make one run differ from another. They are
// printed before a failure is explained.
type Options struct {
	Seed uint64 // of all random choices during the run

	Classic        bool
	Registry       bool
	Dump           bool
	AnswerInvalid  bool
	MaxLine        int  // bytes
	MaxConnections int  // 0: no limit
	MaxLocks       int  // 0: no limit
	MaxPerConn     int  // 0: no limit
	MaxNameBytes   int  // 0: no limit
	EndPiece       int  // holdings that the end of a connection clears in one step; 0: the default
	SmallDump      int  // lines of the largest dump that is made at once; 0: the default, -1: none
	ServePiece     int  // waiting connections that are answered in one step; 0: the default
	Extended       bool // the clients send commands of the extended level
	Kill           bool // k works
	LastToken      uint64
	Pace           int // how fast time passes in a world without loops: 0 not at all, to 3

	// Options of event loops. Without loops the clients talk to Core alone.
	Loops        int
	Turns        int          // most turns of loops after each action of a client
	Receive      int          // bytes of the server's receive buffer
	IdleTimeout  int          // milliseconds; 0: none
	WriteTimeout int          // milliseconds; 0: none
	Tell         int          // percent of calls of Core that cause unsolicited output, now and later
	Rates        kernel.Rates // of the faults of the kernel
	Patience     int          // most times in a row that the kernel delays the same thing

	Steps    int // steps before the calm phase
	Peers    int // clients at once, reconnects included
	Names    int // names that the clients contend for
	OddNames bool
	Pipeline int // most commands that a client sends at once
	Hoard    int // locks that the first connection takes before the others start
	Window   int // bytes of replies that fit between server and a client that does not read

	WebSocketPercent int // of connections
	SameAddrPercent  int // of connections, which get the address of another one
	ManglePercent    int // of lines of careless and hostile clients, which are changed

	Behaviours Behaviours
	Weights    Weights

	Record     bool // what the clients see is checked by porcupine
	Canary     bool // the oracle is wrong on purpose
	ValidEvery int  // steps between two checks of Core's invariants
}

// Behaviours are the weights of the behaviours of clients.
type Behaviours struct{ Behaved, Contending, Careless, Hostile int }

// Weights are the relative frequencies of the actions.
type Weights struct {
	Exchange  int // a client sends and all of it arrives at once
	Send      int // a client sends; the network delays it
	Join      int // all that is under way on a connection arrives at once
	Split     int // a piece of it arrives
	Bytewise  int // all of it arrives, byte by byte
	Tear      int // a client sends half a line
	Drain     int // a client reads its replies
	HalfClose int // a client closes its sending side
	Vanish    int // a client closes both sides and reads no more
	Reset     int // a client resets its connection; what is under way is lost
	Drop      int // the server ends a connection, as after a timeout
	Storm     int // many connections end and are opened again
	Audit     int // the auditor checks statistics and dumps
	Restart   int // the server stops and another one starts
}

func (o Options) idleLimit() core.Time  { return core.Time(o.IdleTimeout) * core.Millisecond }
func (o Options) writeLimit() core.Time { return core.Time(o.WriteTimeout) * core.Millisecond }

// core is the part of the options that configures Core.
func (o Options) core() core.Config {
	dialect := wire.Glockd
	if o.Classic {
		dialect = wire.Classic
	}
	return core.Config{
		Dialect: dialect, Registry: o.Registry, Dump: o.Dump, AnswerInvalid: o.AnswerInvalid,
		MaxLine: o.MaxLine, MaxConnections: o.MaxConnections, MaxLocks: o.MaxLocks,
		MaxPerConn: o.MaxPerConn, MaxNameBytes: o.MaxNameBytes, PID: classicPID,
		SmallDump: o.SmallDump, EndPiece: o.EndPiece, ServePiece: o.ServePiece, Kill: o.Kill, LastToken: o.LastToken,
	}
}

const classicPID = 4711
