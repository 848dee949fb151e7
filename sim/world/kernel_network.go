package world

import (
	"slices"
	"strconv"

	"lockd/server/core"
)

// kernelNetwork is a network of a fake kernel, with the production event loops on it. It
// decides what happens; stage does it.
type kernelNetwork struct {
	w      *world
	stage  *stage
	record *[]Event // nil: off
}

func newKernelNetwork(w *world, record *[]Event) *kernelNetwork {
	n := &kernelNetwork{w: w, record: record}
	n.stage = newStage(w.options, w.judge, &w.result.Coverage)
	n.stage.released = n.released
	return n
}

// do does one event, and keeps it.
func (n *kernelNetwork) do(event Event) (int, []byte, bool) {
	if n.record != nil {
		*n.record = append(*n.record, event)
	}
	return n.stage.do(event)
}

// turns lets some loops take some turns, with faults.
func (n *kernelNetwork) turns() {
	w := n.w
	for range w.random.below(w.options.Turns + 1) {
		loop := w.random.below(w.options.Loops)
		n.do(Event{Turn, loop, strconv.FormatUint(w.random.pcg.Uint64(), 10)})
	}
}

func (n *kernelNetwork) dumps() {
	if n.stage.making != nil && n.w.random.below(4) == 0 {
		if n.w.random.below(3) == 0 { // it took some time, and the next has to wait
			n.advance(pick(&n.w.random, core.Millisecond, 50*core.Millisecond))
		}
		n.do(Event{Kind: Made})
	}
}

func (n *kernelNetwork) advance(d core.Time) {
	n.do(Event{Advance, 0, strconv.FormatInt(int64(d), 10)})
}

func (n *kernelNetwork) settle() { n.do(Event{Kind: Settle}) }

func (n *kernelNetwork) connect(p *peer) {
	p.websocket = false
	n.do(Event{Dial, p.label, p.addr})
	p.link = n.stage.links[p.label]
	if p.open = p.link != nil; p.open && n.w.record != nil {
		p.seen = &seen{conn: p.label, mark: n.w.record.now()}
		p.link.seen = p.seen
	}
	n.turns()
}

func (n *kernelNetwork) deliver(p *peer, bytes int) {
	w := n.w
	if bytes > 0 {
		data := p.uplink[p.head : p.head+bytes]
		taken, _, _ := n.do(Event{Arrive, p.label, string(data)})
		w.result.Bytes += int64(taken)
		if taken > 0 {
			p.torn = data[taken-1] != '\n'
		}
		if taken < bytes {
			w.hit(SlowReader)
		}
		p.passed(taken)
	}
	if p.underWay() == 0 && p.finished {
		if p.torn {
			w.hit(TornLastLine)
		}
		if p.gone {
			if p.link.end.Buffered() > 0 || len(p.link.sent) > 0 {
				w.hit(EndInsidePipeline)
			}
			n.do(Event{Kind: Leave, Conn: p.label})
			n.leave(p)
		} else {
			n.do(Event{Kind: FinishStream, Conn: p.label})
		}
	}
	n.turns()
}

// leave frees the place of a client whose connection goes on without it.
func (n *kernelNetwork) leave(p *peer) {
	p.open, p.seen = false, nil
}

func (n *kernelNetwork) drain(p *peer) {
	most := mostDrained
	if n.w.options.Window <= 1000 && n.w.random.below(2) > 0 {
		most = 1 + n.w.random.below(200)
	}
	n.read(p, most)
	n.turns()
}

// read lets a client read, and notice the end of its connection.
func (n *kernelNetwork) read(p *peer, most int) []byte {
	_, data, gone := n.do(Event{Drain, p.label, strconv.Itoa(most)})
	if p.seen != nil {
		p.seen.replies = append(p.seen.replies, data...)
		n.w.read(p.seen)
	}
	if gone && p.open {
		n.do(Event{Kind: Leave, Conn: p.label})
		n.leave(p)
	}
	return data
}

func (n *kernelNetwork) reset(p *peer) {
	if p.underWay() > 0 || len(p.link.owed)+p.link.end.Buffered()+len(p.link.sent) > 0 {
		n.w.hit(EndBeforeReply)
	}
	n.do(Event{Kind: Reset, Conn: p.label})
	n.leave(p)
	n.turns()
}

// drop lets time jump, so that deadlines pass.
func (n *kernelNetwork) drop(*peer) {
	n.w.hit(TimeJump)
	n.settle() // so that what has arrived counts as said before
	n.advance(pick(&n.w.random, core.Millisecond, 30*core.Millisecond, core.Second, 4*core.Second, 40*core.Second))
	n.turns()
}

// released is called in the middle of a turn.
func (n *kernelNetwork) released(l *link) {
	w := n.w
	contended := slices.ContainsFunc(w.peers, func(other *peer) bool { return other.link != l && other.underWay() > 0 })
	if contended {
		w.hit(HolderEndsUnderContention)
	}
	if l.seen != nil {
		// The client may still read what is under way to it, and then the end.
		if !l.left && !l.broken {
			w.takeAll(l)
		}
		w.record.ended(l.seen)
		l.seen = nil
		for _, p := range w.peers {
			if p.link == l {
				p.seen = nil
			}
		}
	}
}

// takeAll gives the replies that are under way to a client of a recorded run.
func (w *world) takeAll(l *link) {
	buffered := l.end.Peek()
	l.seen.replies = append(l.seen.replies, buffered...)
	w.read(l.seen)
}

func (n *kernelNetwork) ask(p *peer, line string) string {
	n.settle()
	n.do(Event{Arrive, p.label, line + "\n"})
	var reply []byte
	for n.w.judge.Err() == nil {
		n.settle()
		before := len(reply)
		for data := n.read(p, mostDrained); len(data) > 0; data = n.read(p, mostDrained) {
			reply = append(reply, data...)
		}
		if len(reply) == before && !p.link.waits {
			break
		}
		if p.link.waits {
			n.advance(max(0, n.stage.next()-n.stage.machine.Now()))
		}
	}
	return string(reply)
}

func (n *kernelNetwork) dial(p *peer) bool {
	for range 100 { // a listener may be left alone for a while
		n.do(Event{Dial, p.label, p.addr})
		if p.link = n.stage.links[p.label]; p.link == nil {
			return false
		}
		for range 10 {
			n.settle()
			if p.link.admitted || p.link.refused || p.link.aborted {
				break
			}
			n.advance(core.Second)
		}
		if !p.link.aborted {
			break
		}
	}
	p.open = p.link.admitted
	return p.open
}

func (n *kernelNetwork) hangUp(p *peer) {
	n.do(Event{Kind: FinishStream, Conn: p.label})
	n.leaveAll([]*peer{p})
}

// mostReads is how often a client that has ended its stream reads before it has
// had enough: a slow one may be owed far more than a run should take to play.
const mostReads = 2000

// leaveAll lets the clients that have ended their streams send and read to the
// end, which comes nearer for one of them at least.
func (n *kernelNetwork) leaveAll(peers []*peer) {
	idle := 0
	for round := 0; n.w.judge.Err() == nil; round++ {
		open, moved, waiting := 0, 0, len(n.stage.waiting)
		for _, p := range peers {
			if p.open && round == mostReads {
				n.reset(p)
			}
			before := p.underWay()
			if p.open {
				n.deliver(p, before)
			}
			if p.open {
				moved += before - p.underWay() + len(n.read(p, mostDrained))
			}
			if p.open {
				open++
			}
		}
		n.settle()
		if open == 0 {
			return
		}
		if idle++; moved > 0 || len(n.stage.waiting) < waiting {
			idle = 0
		}
		if idle == 100 {
			n.w.judge.Failf("the clients have ended their streams and read on, and their connections do not end")
		}
		if next := n.stage.next(); (len(n.stage.waiting) > 0 || n.awaiting(peers)) && next != core.Never {
			n.advance(max(0, next-n.stage.machine.Now()))
		}
	}
}

func (n *kernelNetwork) rest() {
	n.settle()
	for range 100 {
		left := n.w.judge.Pause() - n.stage.machine.Now()
		if left <= 0 {
			break
		}
		n.advance(left)
		n.settle()
	}
}

// awaiting says whether any of them waits for a dump.
func (n *kernelNetwork) awaiting(peers []*peer) bool {
	return slices.ContainsFunc(peers, func(p *peer) bool { return p.open && p.link.waits })
}

func (n *kernelNetwork) pause() {
	n.w.judge.Valid()
	if n.w.random.below(4) == 0 {
		n.settle()
	}
}

func (n *kernelNetwork) finish() {
	n.leaveAll(n.w.peers)
	n.settle()
	n.advance(mostLinger) // for those that were refused
	n.settle()
	n.w.judge.Valid()
	n.stage.count()
	kept := map[bool]int{true: 3, false: 2}[n.w.auditor != nil] // two listeners
	if left := n.stage.machine.Descriptors(); n.w.judge.Err() == nil && len(left) > kept {
		n.w.judge.Failf("everybody has left, and the descriptors %v are open", left)
	}
}

// has says whether the server has a connection of somebody, when nothing
// happens.
func (n *kernelNetwork) has(p *peer) bool {
	n.settle()
	return p.link != nil && p.link.admitted && !p.link.released
}

// living returns the connections that the server has, when nothing happens.
func (n *kernelNetwork) living() []string {
	n.settle()
	var shown []string
	for _, l := range n.stage.links {
		if l != nil && l.admitted && !l.released {
			shown = append(shown, n.w.shownAs(l.addr, l.label))
		}
	}
	return shown
}
