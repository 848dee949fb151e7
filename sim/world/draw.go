package world

import (
	"math/bits"
	"math/rand/v2"

	"lockd/sim/kernel"
)

// Random streams of one seed, for choices before the run and during it.
const (
	drawStream = 0x6c6f636b64 + iota
	runStream
	loopStream
	dumpStream
	extendedStream
	limitStream
)

// random is a seeded stream of choices.
type random struct{ pcg rand.PCG }

func newRandom(seed, stream uint64) random { return random{*rand.NewPCG(seed, stream)} }

// below returns a number from 0 to n-1.
func (r *random) below(n int) int {
	high, _ := bits.Mul64(r.pcg.Uint64(), uint64(n))
	return int(high)
}

// percent returns true with a probability of p percent.
func (r *random) percent(p int) bool { return p > 0 && r.below(100) < p }

func pick[T any](r *random, choices ...T) T { return choices[r.below(len(choices))] }

// Draw derives options from a seed. This is swarm testing: every weight is often zero,
// so that a fault is absent from some runs and frequent in others.
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
		Behaviours: Behaviours{
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
	o.adjust(&r)
	dumps := newRandom(seed, dumpStream)
	o.SmallDump = pick(&dumps, 0, 0, -1, 2)
	if o.Hoard == 0 {
		o.EndPiece = pick(&dumps, 0, 1, 1, 2)
	}
	o.extend()
	o.limit()
	return o
}

// limit adds limits of what a connection holds and of the bytes of names. The latter would
// not be exact if large ends are cleared late.
func (o *Options) limit() {
	r := newRandom(o.Seed, limitStream)
	if o.Record || o.Hoard > 0 {
		return
	}
	o.MaxPerConn = pick(&r, 0, 0, 0, 1, 3)
	if o.EndPiece == 0 {
		o.MaxNameBytes = pick(&r, 0, 0, 0, 6, 20)
	}
}

// extend adds the extended level to two of three runs.
func (o *Options) extend() {
	r := newRandom(o.Seed, extendedStream)
	o.Extended = r.below(3) > 0
	o.Kill = r.below(3) == 0
	o.ServePiece = pick(&r, 0, 0, 1, 2, 3)
	o.Pace = pick(&r, 0, 1, 2, 3)
	if o.Record {
		o.settleRecord()
	}
	o.LastToken = pick[uint64](&r, 0, 7, 1<<40, 1<<62)
}

// adjust makes options consistent, and now and then replaces some by rare ones.
func (o *Options) adjust(r *random) {
	if o.Behaviours == (Behaviours{}) {
		o.Behaviours.Contending = 1
	}
	if o.MaxConnections > 0 {
		o.Peers = min(o.Peers, o.MaxConnections+1)
	}
	if r.below(50) == 0 { // the default limit; expensive, since lines at the limit are long
		o.MaxLine, o.Steps = 0, 1000
	}
	switch chance := r.below(5000); {
	case chance < 5:
		o.Hoard, o.Steps, o.MaxLocks = 100_000, 100, 0
	case chance < 100:
		o.Hoard, o.Steps = 200, 1000
	}
	if r.below(30) == 0 {
		o.record(r)
	}
}

// record turns options into those of a recorded run, which is short and does nothing
// that the models of sim/history do not cover.
func (o *Options) record(r *random) {
	o.MaxPerConn, o.MaxNameBytes = 0, 0
	o.Record, o.MaxLine, o.MaxLocks, o.Hoard, o.OddNames, o.ManglePercent, o.WebSocketPercent = true, 0, 0, 0, false, 0, 0
	o.Steps = 40 + r.below(160)
	o.Peers, o.Names, o.Pipeline = min(o.Peers, 5), min(o.Names, 3), 1+r.below(2)
	o.Behaviours = Behaviours{Behaved: 1 + r.below(3), Contending: r.below(3)}
	w := &o.Weights
	w.Tear, w.Storm, w.Restart = 0, 0, 0
	w.Send, w.Split = w.Send+100, w.Split+50
	o.settleRecord()
}

// settleRecord turns off what the models of sim/history do not cover: waiters that are
// served in pieces, and waits in a dialect without them.
func (o *Options) settleRecord() {
	o.ServePiece, o.Extended = 0, o.Extended && !o.Classic
}

// DrawLoop derives options from a seed as Draw does, and adapts them to event loops.
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
	if r.percent(80) { // else the kernel has no faults
		for fault := range o.Rates {
			o.Rates[fault] = uint8(swarm(&r, 30))
		}
		o.Rates[kernel.WatchENOMEM] = uint8(swarm(&r, 2))
		o.Rates[kernel.AcceptECONNABORTED] = uint8(swarm(&r, 5))
	}
	if o.Record {
		// The models do not cover connections that were never served.
		o.MaxConnections, o.Rates[kernel.AcceptECONNABORTED], o.Tell = 0, 0, 0
	}
	return o
}

// swarm returns 0 in a third of the cases, else a weight from 1 to most.
func swarm(r *random, most int) int {
	if r.below(3) == 0 {
		return 0
	}
	return 1 + r.below(most)
}
