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

// stage is a fake kernel with the production event loops on it, and what is known
// from outside of every connection. It does nothing but what its events say,
// so that a trace of them can be played again.
type stage struct {
	options  Options
	judge    *traced
	coverage *Coverage

	machine   *kernel.Machine
	listeners [2]loop.FD // TCP, unix
	hub       *hub.Hub
	runners   []*runner
	links     []*link               // by label
	waiting   []*link               // dialled and not accepted, the oldest first
	accepted  *link                 // the newest that was
	numbered  []*link               // by number of the connection, from 1
	held      []*link               // by descriptor
	used      []bool                // descriptors that were ever given
	failed    map[loop.FD]core.Time // listeners, and when accepting failed last
	stopping  bool
	waited    bool      // a client has left replies unread since it was stopped
	dropping  bool      // the server was told to drop everything
	drained   core.Time // when all that was received is answered; 0 before that is known
	progress  int       // things that the server has done
	turns     int       // that were taken
	dice      random    // of what is told to others
	alarm     core.Time // when Core wants to be woken
	wanted    core.Time // the earliest of when it has wanted that, since it was
	making    *core.Dump
	released  func(*link)
	buf       []byte // of Drain
}

// mostDrained is the most bytes that a client reads at once.
const mostDrained = 64 << 10

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
	peace                      bool // it was released because of an end of its stream, or a stop
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

func newStage(o Options, j *traced, coverage *Coverage) *stage {
	s := &stage{options: o, judge: j, coverage: coverage, released: func(*link) {}, buf: make([]byte, mostDrained)}
	s.start()
	return s
}

// start starts a machine with a server.
func (s *stage) start() {
	o := s.options
	s.machine = kernel.New(kernel.Options{Buffers: kernel.Buffers{
		ServerReceive: o.Receive, ServerSend: o.Window, ClientReceive: min(o.Window, 4<<10),
	}})
	s.hub = hub.New(tap{s}, nil)
	s.hub.MakeBy(func(d *core.Dump) { s.making = d })
	limits := &life.Limits{Write: o.writeLimit(), Idle: o.idleLimit()}
	s.runners = nil
	var loops []*loop.Loop
	for range o.Loops {
		r := &runner{poller: s.machine.Poller()}
		r.faulty = kernel.NewFaulty(r.poller, o.Rates, max(1, o.Patience))
		r.loop = loop.New(loop.Config{Kernel: &observed{r.faulty, s, r, make(map[uint64]*link)}, Hub: s.hub, Limits: limits, Observer: observer{s}})
		s.runners = append(s.runners, r)
		loops = append(loops, r.loop)
	}
	loop.Lead(loops)
	s.listeners = [2]loop.FD{s.machine.Listen("tcp"), s.machine.Listen(core.Unix)}
	for _, fd := range s.listeners {
		loops[0].Listen(fd)
	}
	s.failed = map[loop.FD]core.Time{}
	s.making = nil
	s.waiting, s.accepted, s.numbered, s.held = nil, nil, nil, nil
	s.stopping, s.dropping, s.waited, s.drained = false, false, false, 0
	s.dice, s.alarm = newRandom(o.Seed, tellStream), core.Never
	s.wanted = core.Never
}

// do does one event. What it returns depends on the kind: of Arrive, how many
// bytes there was room for; of Drain, the bytes that came, valid until the next
// one, and whether that was the end.
func (s *stage) do(event Event) (n int, data []byte, gone bool) {
	note(s.judge, event.Kind, event.Conn, event.Data)
	var l *link
	if event.Conn < len(s.links) {
		l = s.links[event.Conn]
	}
	number, _ := strconv.ParseInt(event.Data, 10, 64)
	switch event.Kind {
	case Dial:
		s.dial(event.Conn, event.Data)
		return 0, nil, false
	case Turn:
		s.turn(event.Conn, event.Data)
		return 0, nil, false
	case Settle:
		s.settle()
		return 0, nil, false
	case Advance:
		s.machine.Advance(core.Time(max(0, number)))
		return 0, nil, false
	case Made:
		s.dump()
		return 0, nil, false
	case Stop:
		s.stop()
		return 0, nil, false
	case Drop:
		s.drop()
		return 0, nil, false
	case Restart:
		s.again()
		return 0, nil, false
	}
	if l == nil || l.left {
		return 0, nil, true
	}
	switch event.Kind {
	case Arrive:
		if l.finished {
			return 0, nil, false
		}
		n, _ = l.end.Write([]byte(event.Data))
		l.sent = append(l.sent, event.Data[:n]...)
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
		data = s.buf[:min(max(0, int(number)), len(s.buf))]
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

// dial lets a client connect, if somebody listens.
func (s *stage) dial(label int, addr string) {
	peer := judge.Peer(addr)
	listener := s.listeners[0]
	if peer.Network == core.Unix {
		listener = s.listeners[1]
	}
	for len(s.links) <= label {
		s.links = append(s.links, nil)
	}
	s.links[label] = nil
	if !s.machine.Open(listener) || s.stopping {
		return
	}
	end, ok := s.machine.Dial(listener, peer)
	if !ok {
		return
	}
	l := &link{label: label, addr: addr, end: end, fd: -1}
	s.links[label] = l
	s.waiting = append(s.waiting, l)
}

// turnStream is the random stream of the faults of one turn.
const turnStream = 0x7475726e

// turn lets one loop take a turn, with the faults of a seed; none without.
func (s *stage) turn(number int, seed string) {
	r := s.runners[number%len(s.runners)]
	if r.over {
		return
	}
	r.faulty.SetDice(nil)
	if n, err := strconv.ParseUint(seed, 10, 64); err == nil {
		dice := newRandom(n, turnStream)
		r.faulty.SetDice(dice.below)
	}
	s.turns++
	before, work := s.progress, r.poller.HasWork()
	r.over = !r.loop.Turn()
	s.heard(r)
	r.blocked = seed == "" && !work && s.progress == before && r.poller.Until() > s.machine.Now()
	s.mustBeFine()
}

// stop asks the server to stop in peace.
func (s *stage) stop() {
	if s.stopping {
		return
	}
	s.stopping = true
	for _, l := range s.links {
		if l != nil {
			l.due = l.arrived - l.end.Unsent()
			s.waited = s.waited || len(l.owed) > 0
		}
	}
	s.hub.Stop(s.machine.Now())
	s.runners[0].loop.Stop()
}

// drop makes the loops drop every connection.
func (s *stage) drop() {
	s.dropping = true
	for _, l := range s.links {
		if l != nil {
			l.dropped = true
		}
	}
	for _, r := range s.runners {
		r.loop.Drop()
	}
}

// isOver says whether all loops have ended.
func (s *stage) isOver() bool {
	for _, r := range s.runners {
		if !r.over {
			return false
		}
	}
	return true
}

// again looks at what a server leaves that has stopped, and starts another. Where
// a trace has not let it end, it is told to.
func (s *stage) again() {
	s.stop()
	if !s.isOver() && !s.dropping {
		s.drop()
	}
	for range 20 {
		if s.isOver() {
			break
		}
		s.settle()
		s.machine.Advance(core.Second)
	}
	if !s.isOver() {
		s.judge.Failf("the server does not end, even if it is told to drop everything")
	}
	if left := s.machine.Descriptors(); len(left) > 0 {
		s.judge.Failf("the server has ended and left the descriptors %v", left)
	}
	if conns, locks := s.hub.Held(); conns+locks > 0 {
		s.judge.Failf("the server has ended and left %d connections and %d locks", conns, locks)
	}
	s.count()
	s.links = nil
	s.judge.Restart()
	s.start()
}

// count adds the faults of the kernel to the coverage.
func (s *stage) count() {
	for _, r := range s.runners {
		for fault, n := range r.faulty.Counts() {
			s.coverage[int(firstKernelFault)+fault] += int64(n)
		}
	}
}
