package world

import (
	"strconv"

	"lockd/server/core"
	"lockd/server/hub"
	"lockd/server/life"
	"lockd/server/loop"
	"lockd/sim/judge"
	"lockd/sim/kernel"
)

// harness is a fake kernel with the production event loops on it, and what is known of
// every connection from outside. It does only what its events say, so that a trace of
// them can be played again.
type harness struct {
	options  Options
	judge    *traced
	coverage *Coverage

	machine       *kernel.Machine
	listeners     [2]loop.FD // TCP, unix
	hub           *hub.Hub
	loops         []*loopRunner
	conns         []*connState          // by label
	waiting       []*connState          // dialled and not accepted, the oldest first
	accepted      *connState            // accepted and not announced to Core
	byID          []*connState          // by Core's number of the connection, from 1
	byFD          []*connState          // by descriptor
	used          []bool                // descriptors that were ever given out
	failed        map[loop.FD]core.Time // listeners, and when accepting failed last
	stopping      bool
	waited        bool        // a client has left replies unread since the server was stopped
	dropping      bool        // the server was told to drop all connections
	drained       core.Time   // until when a server that stops reads on; 0 before the first settle
	progress      int         // things that the server has done
	turns         int         // turns that were begun
	turn          int         // the one that is taken, or was last
	running       *loopRunner // takes that turn
	dice          *random     // of that turn; nil if it has no faults
	within        bool        // it began in the middle of another loop's turn
	tellRandom    random      // of unsolicited output
	extraDeadline core.Time   // the deadline that tell adds to Core's own
	deadline      core.Time   // Core's earliest deadline since its last Tick
	making        *core.Dump
	released      func(*connState)
	buf           []byte // of Drain
}

// mostDrained is the most bytes that a client reads at once.
const mostDrained = 64 << 10

func newHarness(o Options, j *traced, coverage *Coverage) *harness {
	s := &harness{options: o, judge: j, coverage: coverage, released: func(*connState) {}, buf: make([]byte, mostDrained)}
	s.start()
	return s
}

// start starts a new machine with a server on it.
func (s *harness) start() {
	o := s.options
	s.machine = kernel.New(kernel.Options{Buffers: kernel.Buffers{
		ServerReceive: o.Receive, ServerSend: o.Window, ClientReceive: min(o.Window, 4<<10),
	}})
	s.hub = hub.New(judgedCore{s}, nil)
	s.hub.SetDumpMaker(func(d *core.Dump) { s.making = d })
	limits := &life.Limits{Write: o.writeLimit(), Idle: o.idleLimit()}
	s.loops = nil
	var loops []*loop.Loop
	for range o.Loops {
		r := &loopRunner{poller: s.machine.Poller()}
		r.faulty = kernel.NewFaulty(r.poller, o.Rates, max(1, o.Patience))
		r.loop = loop.New(loop.Config{Kernel: &observedKernel{r.faulty, s, r, make(map[uint64]*connState)}, Hub: s.hub, Limits: limits, Observer: observer{s}})
		s.loops = append(s.loops, r)
		loops = append(loops, r.loop)
	}
	loop.Lead(loops)
	s.listeners = [2]loop.FD{s.machine.Listen("tcp"), s.machine.Listen("unix")}
	for _, fd := range s.listeners {
		loops[0].Listen(fd)
	}
	s.failed = map[loop.FD]core.Time{}
	s.making = nil
	s.waiting, s.accepted, s.byID, s.byFD = nil, nil, nil, nil
	s.stopping, s.dropping, s.waited, s.drained = false, false, false, 0
	s.tellRandom, s.extraDeadline = newRandom(o.Seed, tellStream), core.Never
	s.deadline = core.Never
}

// do applies one event. What it returns depends on the kind: for Arrive, how many
// bytes there was room for; for Drain, the bytes that were read, valid until the next
// Drain, and whether the stream has ended.
func (s *harness) do(e Event) (n int, data []byte, gone bool) {
	note(s.judge, e.Kind, e.Conn, e.Data)
	number, _ := strconv.ParseInt(e.Data, 10, 64)
	switch e.Kind {
	case Dial:
		s.dial(e.Conn, e.Data)
	case Turn:
		s.takeTurn(e.Conn, e.Data)
	case Settle:
		s.settle()
	case Advance:
		s.machine.Advance(core.Time(max(0, number)))
	case Made:
		s.dump()
	case Stop:
		s.stop()
	case Drop:
		s.drop()
	case Restart:
		s.restart()
	default:
		if e.Conn >= len(s.conns) || s.conns[e.Conn] == nil || s.conns[e.Conn].left {
			return 0, nil, true
		}
		return s.doClient(s.conns[e.Conn], e, int(number))
	}
	return 0, nil, false
}

// doClient is do for events of a client.
func (s *harness) doClient(l *connState, e Event, number int) (n int, data []byte, gone bool) {
	switch e.Kind {
	case Arrive:
		if l.finished {
			return 0, nil, false
		}
		n, _ = l.end.Write([]byte(e.Data))
		l.sent = append(l.sent, e.Data[:n]...)
		l.arrived += n
		return n, nil, false
	case FinishStream:
		if !l.finished {
			l.end.CloseWrite()
			l.finished = true
		}
	case Leave:
		l.end.Close()
		l.left = true
	case Reset:
		l.end.Reset()
		l.left = true
	case Drain:
		data = s.buf[:min(max(0, number), len(s.buf))]
		n, errno := l.end.Read(data)
		l.got += n
		gone = errno != 0 && errno != again || errno == 0 && n == 0 && number > 0
		if gone {
			s.mayLose(l)
		}
		return n, data[:n], gone
	}
	return 0, nil, l.left
}

// dial connects a client, if the server still listens.
func (s *harness) dial(label int, addr string) {
	peer := judge.Peer(addr)
	listener := s.listeners[0]
	if peer.Transport == core.Unix {
		listener = s.listeners[1]
	}
	for len(s.conns) <= label {
		s.conns = append(s.conns, nil)
	}
	s.conns[label] = nil
	if !s.machine.Open(listener) || s.stopping {
		return
	}
	end, ok := s.machine.Dial(listener, peer)
	if !ok {
		return
	}
	l := &connState{label: label, addr: addr, end: end, fd: -1}
	s.conns[label] = l
	s.waiting = append(s.waiting, l)
}

// turnStream is the random stream of the faults of one turn.
const turnStream = 0x7475726e

// meanwhileRate is how many writes there are, of several loops, for one that another turn
// interrupts.
const meanwhileRate = 8

// takeTurn makes one loop take a turn, with the faults of a seed; without a seed there
// are none.
func (s *harness) takeTurn(number int, seed string) {
	r := s.loops[number%len(s.loops)]
	if r.over {
		return
	}
	var dice *random
	if n, err := strconv.ParseUint(seed, 10, 64); err == nil {
		d := newRandom(n, turnStream)
		dice = &d
	}
	before, work := s.progress, r.poller.HasWork()
	s.run(r, dice)
	r.blocked = dice == nil && !work && s.progress == before && r.poller.Until() > s.machine.Now()
}

// run runs a turn.
func (s *harness) run(r *loopRunner, dice *random) {
	r.faulty.SetRandom(nil)
	if dice != nil {
		r.faulty.SetRandom(dice.below)
	}
	s.turns++
	s.turn, s.running, s.dice = s.turns, r, dice
	r.blocked = false
	r.over = !r.loop.Turn()
	s.afterTurn(r)
	s.checkDescriptors()
}

// meanwhile sometimes runs a turn of another loop during a system call of the one that is
// taken: a loop has the mutex of the Hub only during its calls of the Hub.
func (s *harness) meanwhile() {
	if len(s.loops) == 1 || s.dice == nil || s.within || s.dice.below(meanwhileRate) > 0 {
		return
	}
	turn, running, dice := s.turn, s.running, s.dice
	if other := s.loops[dice.below(len(s.loops))]; other != running && !other.over {
		s.coverage[TurnWithinTurn]++
		s.within = true
		s.run(other, dice)
		s.within = false
		s.turn, s.running, s.dice = turn, running, dice
	}
}

// dump completes the loops' dump, if one was begun.
func (s *harness) dump() {
	if d := s.making; d != nil {
		s.making = nil
		s.progress++
		s.hub.Finish(s.machine.Now(), d)
	}
}

// afterTurn notes that a loop has taken a turn, in which it has noticed which of its
// connections were resumed.
func (s *harness) afterTurn(r *loopRunner) {
	now := s.machine.Now()
	for _, l := range s.byFD {
		if l == nil || !l.resumed || l.loop != r {
			continue
		}
		l.resumed, l.lastActive = false, now
		if l.before <= 0 { // only the reply is owed
			l.lastProgress, l.owedSince = now, now
		}
	}
}
