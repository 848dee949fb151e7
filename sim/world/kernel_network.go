package world

import (
	"slices"
	"strconv"

	"lockd/server/core"
)

// kernelNetwork is the network of a fake kernel, with the production event loops on it.
// It decides which events happen; harness applies them.
type kernelNetwork struct {
	w       *world
	harness *harness
	record  *[]Event // nil: off
}

func newKernelNetwork(w *world, record *[]Event) *kernelNetwork {
	n := &kernelNetwork{w: w, record: record}
	n.harness = newHarness(w.options, w.judge, &w.result.Coverage)
	n.harness.released = n.released
	return n
}

// do applies one event, and records it.
func (n *kernelNetwork) do(event Event) (int, []byte, bool) {
	if n.record != nil {
		*n.record = append(*n.record, event)
	}
	return n.harness.do(event)
}

// turns makes some loops take some turns, with faults.
func (n *kernelNetwork) turns() {
	w := n.w
	for range w.random.below(w.options.Turns + 1) {
		loop := w.random.below(w.options.Loops)
		n.do(Event{Turn, loop, strconv.FormatUint(w.random.pcg.Uint64(), 10)})
	}
}

func (n *kernelNetwork) dumps() {
	if n.harness.making != nil && n.w.random.below(4) == 0 {
		if n.w.random.below(3) == 0 { // the dump takes some time, and so the next one has to wait
			n.advance(pick(&n.w.random, core.Millisecond, 50*core.Millisecond))
		}
		n.do(Event{Kind: Made})
	}
}

func (n *kernelNetwork) advance(d core.Time) {
	n.do(Event{Advance, 0, strconv.FormatInt(int64(d), 10)})
}

func (n *kernelNetwork) settle() { n.do(Event{Kind: Settle}) }

func (n *kernelNetwork) connect(p *client) {
	p.websocket = false
	n.do(Event{Dial, p.label, p.addr})
	p.conn = n.harness.conns[p.label]
	if p.open = p.conn != nil; p.open && n.w.record != nil {
		p.record = &clientRecord{conn: p.label, mark: n.w.record.now()}
		p.conn.record = p.record
	}
	n.turns()
}

func (n *kernelNetwork) deliver(p *client, bytes int) {
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
			if p.conn.end.Buffered() > 0 || len(p.conn.sent) > 0 {
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

// leave frees the place of a client. Its connection may still be open in the server.
func (n *kernelNetwork) leave(p *client) {
	p.open, p.record = false, nil
}

func (n *kernelNetwork) drain(p *client) {
	most := mostDrained
	if n.w.options.Window <= 1000 && n.w.random.below(2) > 0 {
		most = 1 + n.w.random.below(200)
	}
	n.read(p, most)
	n.turns()
}

// read makes a client read, and leave at the end of the stream.
func (n *kernelNetwork) read(p *client, most int) []byte {
	_, data, gone := n.do(Event{Drain, p.label, strconv.Itoa(most)})
	if p.record != nil {
		p.record.replies = append(p.record.replies, data...)
		n.w.read(p.record)
	}
	if gone && p.open {
		n.do(Event{Kind: Leave, Conn: p.label})
		n.leave(p)
	}
	return data
}

func (n *kernelNetwork) reset(p *client) {
	if p.underWay() > 0 || len(p.conn.owed)+p.conn.end.Buffered()+len(p.conn.sent) > 0 {
		n.w.hit(EndBeforeReply)
	}
	n.do(Event{Kind: Reset, Conn: p.label})
	n.leave(p)
	n.turns()
}

// drop advances time, so that deadlines pass.
func (n *kernelNetwork) drop(*client) {
	n.w.hit(TimeJump)
	n.settle() // so that the server reads what has arrived before time passes
	n.advance(pick(&n.w.random, core.Millisecond, 30*core.Millisecond, core.Second, 4*core.Second, 40*core.Second))
	n.turns()
}

// released notes that Core has closed a connection. The loop is in the middle of its
// turn.
func (n *kernelNetwork) released(l *connState) {
	w := n.w
	contended := slices.ContainsFunc(w.clients, func(other *client) bool { return other.conn != l && other.underWay() > 0 })
	if contended {
		w.hit(HolderEndsUnderContention)
	}
	if l.record != nil {
		// The client may still read what is under way to it, and then the end.
		if !l.left && !l.broken {
			w.takeAll(l)
		}
		w.record.ended(l.record)
		l.record = nil
		for _, p := range w.clients {
			if p.conn == l {
				p.record = nil
			}
		}
	}
}

// takeAll gives a client of a recorded run the replies that are under way to it.
func (w *world) takeAll(l *connState) {
	buffered := l.end.Peek()
	l.record.replies = append(l.record.replies, buffered...)
	w.read(l.record)
}

func (n *kernelNetwork) ask(p *client, line string) string {
	n.settle()
	n.do(Event{Arrive, p.label, line + "\n"})
	var reply []byte
	for n.w.judge.Err() == nil {
		n.settle()
		before := len(reply)
		for data := n.read(p, mostDrained); len(data) > 0; data = n.read(p, mostDrained) {
			reply = append(reply, data...)
		}
		if len(reply) == before && !p.conn.waits {
			break
		}
		if p.conn.waits {
			n.advance(max(0, n.harness.next()-n.harness.machine.Now()))
		}
	}
	return string(reply)
}

func (n *kernelNetwork) dial(p *client) bool {
	for range 100 { // a loop may stop accepting for a while
		n.do(Event{Dial, p.label, p.addr})
		if p.conn = n.harness.conns[p.label]; p.conn == nil {
			return false
		}
		for range 10 {
			n.settle()
			if p.conn.admitted || p.conn.refused || p.conn.aborted {
				break
			}
			n.advance(core.Second)
		}
		if !p.conn.aborted {
			break
		}
	}
	p.open = p.conn.admitted
	return p.open
}

func (n *kernelNetwork) hangUp(p *client) {
	n.do(Event{Kind: FinishStream, Conn: p.label})
	n.leaveAll([]*client{p})
}

// mostReads is how often a client that has ended its stream reads before it resets
// the connection: reading all that a slow client is owed could take too long.
const mostReads = 2000

// leaveAll makes the clients that have ended their streams send and read to the end,
// and fails if none of them makes progress.
func (n *kernelNetwork) leaveAll(peers []*client) {
	idle := 0
	for round := 0; n.w.judge.Err() == nil; round++ {
		open, moved, waiting := 0, 0, len(n.harness.waiting)
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
		if idle++; moved > 0 || len(n.harness.waiting) < waiting {
			idle = 0
		}
		if idle == 100 {
			n.w.judge.Failf("the clients have ended their streams and keep reading, and their connections do not end")
		}
		if next := n.harness.next(); (len(n.harness.waiting) > 0 || n.awaiting(peers)) && next != core.Never {
			n.advance(max(0, next-n.harness.machine.Now()))
		}
	}
}

func (n *kernelNetwork) rest() {
	n.settle()
	for range 100 {
		left := n.w.judge.Pause() - n.harness.machine.Now()
		if left <= 0 {
			break
		}
		n.advance(left)
		n.settle()
	}
}

// awaiting reports whether any of the peers waits for a dump.
func (n *kernelNetwork) awaiting(peers []*client) bool {
	return slices.ContainsFunc(peers, func(p *client) bool { return p.open && p.conn.waits })
}

func (n *kernelNetwork) pause() {
	n.w.judge.Valid()
	if n.w.random.below(4) == 0 {
		n.settle()
	}
}

func (n *kernelNetwork) finish() {
	n.leaveAll(n.w.clients)
	n.settle()
	for range mostReads {
		// The end of a client that sent more than there is room for is not seen while its
		// connection waits for a lock.
		next := n.harness.next()
		if n.w.judge.Waiting() == 0 || next == core.Never {
			break
		}
		n.advance(max(0, next-n.harness.machine.Now()))
		n.settle()
	}
	n.advance(mostLinger) // for connections that were refused
	n.settle()
	n.w.judge.Valid()
	n.harness.count()
	kept := map[bool]int{true: 3, false: 2}[n.w.auditor != nil] // two listeners
	if left := n.harness.machine.Descriptors(); n.w.judge.Err() == nil && len(left) > kept {
		n.w.judge.Failf("all clients have left, and the descriptors %v are open", left)
	}
}

// has reports whether the server has the connection of a peer, when nothing happens.
func (n *kernelNetwork) has(p *client) bool {
	n.settle()
	return p.conn != nil && p.conn.admitted && !p.conn.released
}

// living returns the addresses of the connections that the server has, when nothing
// happens.
func (n *kernelNetwork) living() []string {
	n.settle()
	var shown []string
	for _, l := range n.harness.conns {
		if l != nil && l.admitted && !l.released && !l.killedItself {
			shown = append(shown, n.w.shownAs(l.addr, l.label))
		}
	}
	return shown
}
