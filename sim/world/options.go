package world

import (
	"math/bits"
	"math/rand/v2"

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

	Kinds   Kinds
	Weights Weights

	Record     bool // what the clients see goes to porcupine
	Canary     bool // the oracle is wrong on purpose
	ValidEvery int  // steps between two looks at Core's invariants
}

// Kinds are the weights of the behaviours of clients.
type Kinds struct{ Behaved, Contending, Careless, Hostile int }

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

// Random streams of one seed: what is decided before the run and during it.
const (
	drawStream = 0x6c6f636b64 + iota
	runStream
	loopStream
	dumpStream
)

// random is a seeded stream of choices.
type random struct{ pcg rand.PCG }

func newRandom(seed, stream uint64) random { return random{*rand.NewPCG(seed, stream)} }

// below returns a number from 0 to n-1.
func (r *random) below(n int) int {
	high, _ := bits.Mul64(r.pcg.Uint64(), uint64(n))
	return int(high)
}

// percent is true p times out of a hundred.
func (r *random) percent(p int) bool { return p > 0 && r.below(100) < p }

func pick[T any](r *random, choices ...T) T { return choices[r.below(len(choices))] }

// Draw turns a seed into options. Swarm testing: every weight is often zero, so
// that some runs have none of a fault and some are full of it.
func Draw(seed uint64) Options {
	r := newRandom(seed, drawStream)
	o := Options{
		Seed:             seed,
		Classic:          r.percent(15),
		Registry:         !r.percent(20),
		Dump:             !r.percent(20),
		AnswerInvalid:    r.percent(40),
		MaxLine:          pick(&r, 12, 16, 24, 64, 200),
		MaxConnections:   pick(&r, 0, 0, 3, 6),
		MaxLocks:         pick(&r, 0, 0, 0, 2, 5),
		Steps:            pick(&r, 1000, 3000, 10_000),
		Peers:            pick(&r, 2, 3, 4, 5, 6, 7, 8, 16),
		Names:            pick(&r, 1, 2, 3, 5, 8),
		OddNames:         r.percent(30),
		Pipeline:         pick(&r, 1, 8, 64, 128),
		Window:           pick(&r, 300, 4<<10, 64<<10, 1<<20),
		WebSocketPercent: pick(&r, 0, 0, 20, 100),
		SameAddrPercent:  pick(&r, 0, 10, 90),
		ManglePercent:    pick(&r, 0, 10, 40),
		Kinds: Kinds{
			Behaved:    swarm(&r, 8),
			Contending: swarm(&r, 8),
			Careless:   swarm(&r, 4),
			Hostile:    swarm(&r, 2),
		},
		Weights: Weights{
			Exchange:  400 + swarm(&r, 800),
			Send:      swarm(&r, 200),
			Join:      20 + swarm(&r, 200),
			Split:     swarm(&r, 100),
			Bytewise:  swarm(&r, 20),
			Tear:      swarm(&r, 20),
			Drain:     50 + swarm(&r, 100),
			HalfClose: swarm(&r, 30),
			Vanish:    swarm(&r, 20),
			Reset:     swarm(&r, 30),
			Drop:      swarm(&r, 10),
			Storm:     swarm(&r, 4),
			Audit:     swarm(&r, 4),
			Restart:   swarm(&r, 1),
		},
		ValidEvery: pick(&r, 1, 4, 16, 64),
	}
	if o.Kinds == (Kinds{}) {
		o.Kinds.Contending = 1
	}
	if o.MaxConnections > 0 {
		o.Peers = min(o.Peers, o.MaxConnections+1)
	}
	if r.below(50) == 0 { // the default; dear, since its long lines are long
		o.MaxLine, o.Steps = 0, 1000
	}
	switch chance := r.below(5000); {
	case chance < 5:
		o.Hoard, o.Steps, o.MaxLocks = 100_000, 100, 0
	case chance < 100:
		o.Hoard, o.Steps = 200, 1000
	}
	if r.below(30) == 0 {
		o.record(&r)
	}
	dumps := newRandom(seed, dumpStream)
	o.SmallDump = pick(&dumps, 0, 0, -1, 2)
	if o.Hoard == 0 {
		o.EndPiece = pick(&dumps, 0, 1, 1, 2)
	}
	return o
}

// record turns options into those of a recorded run: short, without anything
// that the models of sim/history do not know.
func (o *Options) record(r *random) {
	o.Record, o.MaxLine, o.MaxLocks, o.Hoard, o.OddNames, o.ManglePercent, o.WebSocketPercent = true, 0, 0, 0, false, 0, 0
	o.Steps = 40 + r.below(160)
	o.Peers, o.Names, o.Pipeline = min(o.Peers, 5), min(o.Names, 3), 1+r.below(2)
	o.Kinds = Kinds{Behaved: 1 + r.below(3), Contending: r.below(3)}
	w := &o.Weights
	w.Tear, w.Storm, w.Restart = 0, 0, 0
	w.Send, w.Split = w.Send+100, w.Split+50
}

// DrawLoop turns a seed into the options that Draw makes of it, and lets event
// loops serve the world.
func DrawLoop(seed uint64) Options {
	o := Draw(seed)
	r := newRandom(seed, loopStream)
	o.Loops = pick(&r, 1, 1, 1, 2, 3)
	o.Turns = pick(&r, 1, 2, 6)
	o.Receive = pick(&r, 16, 200, 4<<10, 64<<10)
	o.IdleTimeout = pick(&r, 0, 0, 3000)
	o.WriteTimeout = pick(&r, 0, 2000, 30_000)
	o.Patience = pick(&r, 1, 3, 10)
	o.Tell = swarm(&r, 20)
	o.WebSocketPercent = 0
	o.Hoard = min(o.Hoard, 200)
	o.Steps = min(o.Steps, 3000)
	if r.percent(80) { // else the kernel is honest
		for fault := range o.Rates {
			o.Rates[fault] = uint8(swarm(&r, 30))
		}
		o.Rates[kernel.WatchENOMEM] = uint8(swarm(&r, 2))
		o.Rates[kernel.AcceptECONNABORTED] = uint8(swarm(&r, 5))
	}
	if o.Record {
		// The models know nothing of connections that were never served.
		o.MaxConnections, o.Rates[kernel.AcceptECONNABORTED], o.Tell = 0, 0, 0
	}
	return o
}

func (o Options) idleLimit() core.Time  { return core.Time(o.IdleTimeout) * core.Millisecond }
func (o Options) writeLimit() core.Time { return core.Time(o.WriteTimeout) * core.Millisecond }

// swarm returns 0 in a third of the cases, else a weight up to most.
func swarm(r *random, most int) int {
	if r.below(3) == 0 {
		return 0
	}
	return 1 + r.below(most)
}

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
