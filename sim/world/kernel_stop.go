package world

import (
	"strconv"

	"lockd/server/core"
)

// lastMinute lets much arrive that no loop has seen yet, and clients connect that
// say nothing.
func (n *kernelNetwork) lastMinute() {
	w := n.w
	for _, p := range w.peers {
		if p.open && !p.finished {
			w.send(p)
			taken, _, _ := n.do(Event{Arrive, p.label, string(p.uplink[p.head:])})
			p.passed(taken)
		}
	}
	for range w.random.below(4) {
		n.do(Event{Dial, w.labels, "10.0.0.50:" + strconv.Itoa(w.labels)})
		w.labels++
	}
}

func (n *kernelNetwork) stop() {
	w, s := n.w, n.stage
	n.lastMinute()
	n.do(Event{Kind: Stop})
	began := s.machine.Now()
	patience := 1 + w.random.below(3*400) // often more than it takes
	switch w.random.below(4) {
	case 0: // none at all; whoever accepts hears of it last
		patience = 0
		n.do(Event{Kind: Drop})
		for i := range w.options.Loops {
			n.do(Event{Turn, w.options.Loops - 1 - i, ""})
		}
	case 1: // the loops are too busy to come to everybody in time
		for range 3 {
			for i := range w.options.Loops {
				n.do(Event{Turn, i, strconv.FormatUint(w.random.pcg.Uint64(), 10)})
			}
			n.advance(21 * core.Millisecond)
		}
	}
	for step := range 400 {
		if step > 0 && step == patience {
			n.do(Event{Kind: Drop})
		}
		n.whileStopping()
		if s.isOver() || w.judge.Err() != nil {
			break
		}
	}
	n.judgeStop(s.machine.Now() - began)
	n.do(Event{Kind: Restart})
	for _, p := range w.peers {
		n.leave(p)
		p.link = nil
	}
}

// whileStopping lets a little happen while the server stops: some clients never do.
func (n *kernelNetwork) whileStopping() {
	w, s := n.w, n.stage
	n.turns()
	n.dumps()
	n.do(Event{Turn, w.random.below(w.options.Loops), ""})
	p := w.peers[w.random.below(len(w.peers))]
	if p.open && w.random.below(3) > 0 {
		w.send(p)
	}
	if p.open {
		n.deliver(p, p.underWay())
	}
	if p.open {
		n.read(p, 1+w.random.below(2000))
	}
	if w.random.below(8) == 0 { // the loops are busy with something else
		n.advance(pick(&w.random, 5*core.Millisecond, 20*core.Millisecond))
	}
	if w.random.below(4) == 0 {
		n.settle()
		if next := s.next(); next != core.Never && next > s.machine.Now() {
			n.advance(min(next-s.machine.Now(), pick(&w.random, 5*core.Millisecond, 5*core.Second)))
		}
	}
}

// judgeStop checks how long a server took that has stopped by itself. A client that
// goes on sending and reads slowly may take as long as it is given.
func (n *kernelNetwork) judgeStop(took core.Time) {
	w := n.w
	if !n.stage.isOver() {
		w.hit(StoppedForcibly)
		return
	}
	w.hit(StoppedGracefully)
	if limit := w.options.writeLimit(); limit > 0 && !n.stage.waited && took > 2*limit+12*core.Second {
		w.judge.Failf("the server took %d ms to stop", took/core.Millisecond)
	}
}
