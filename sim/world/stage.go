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

// do lets one event happen. What it returns depends on the kind: of Arrive, how many
// bytes there was room for; of Drain, the bytes that came, valid until the next
// one, and whether that was the end.
func (s *stage) do(e Event) (n int, data []byte, gone bool) {
	note(s.judge, e.Kind, e.Conn, e.Data)
	number, _ := strconv.ParseInt(e.Data, 10, 64)
	switch e.Kind {
	case Dial:
		s.dial(e.Conn, e.Data)
	case Turn:
		s.turn(e.Conn, e.Data)
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
		s.again()
	default:
		if e.Conn >= len(s.links) || s.links[e.Conn] == nil || s.links[e.Conn].left {
			return 0, nil, true
		}
		return s.doClient(s.links[e.Conn], e, int(number))
	}
	return 0, nil, false
}

// doClient is do for what a client does.
func (s *stage) doClient(l *link, e Event, number int) (n int, data []byte, gone bool) {
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

// dump makes the loops' dump, if one was begun.
func (s *stage) dump() {
	if d := s.making; d != nil {
		s.making = nil
		s.progress++
		s.hub.Finish(s.machine.Now(), d)
	}
}

// heard notes that a loop has taken a turn, and knows by now who goes on.
func (s *stage) heard(r *runner) {
	now := s.machine.Now()
	for _, l := range s.held {
		if l == nil || !l.resumed || l.by != r {
			continue
		}
		l.resumed, l.heard = false, now
		if l.before <= 0 { // nothing was owed before the reply
			l.taken, l.owing = now, now
		}
	}
}
