package world

import (
	"strconv"

	"lockd/server/core"
)

// beforeStop makes much input arrive that no loop has read yet, and opens connections
// that send nothing.
func (n *kernelNetwork) beforeStop() {
	w := n.w
	for _, p := range w.clients {
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
	w, s := n.w, n.harness
	n.beforeStop()
	n.do(Event{Kind: Stop})
	began := s.machine.Now()
	patience := 1 + w.random.below(3*400) // often more than it takes
	switch w.random.below(4) {
	case 0: // drop at once; the loop that accepts is the last to take a turn
		patience = 0
		n.do(Event{Kind: Drop})
		for i := range w.options.Loops {
			n.do(Event{Turn, w.options.Loops - 1 - i, ""})
		}
	case 1: // the loops are too busy to serve all connections in time
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
	for _, p := range w.clients {
		n.leave(p)
		p.conn = nil
	}
}

// whileStopping makes a few things happen while the server stops: some clients never
// stop sending.
func (n *kernelNetwork) whileStopping() {
	w, s := n.w, n.harness
	n.turns()
	n.dumps()
	n.do(Event{Turn, w.random.below(w.options.Loops), ""})
	p := w.clients[w.random.below(len(w.clients))]
	if p.open && w.random.below(3) > 0 {
		w.send(p)
	}
	if p.open {
		n.deliver(p, p.underWay())
	}
	if p.open {
		n.read(p, 1+w.random.below(2000))
	}
	if w.random.below(8) == 0 { // the loops are busy
		n.advance(pick(&w.random, 5*core.Millisecond, 20*core.Millisecond))
	}
	if w.random.below(4) == 0 {
		n.settle()
		if next := s.next(); next != core.Never && next > s.machine.Now() {
			n.advance(min(next-s.machine.Now(), pick(&w.random, 5*core.Millisecond, 5*core.Second)))
		}
	}
}

// judgeStop checks how long a graceful stop took. It has no bound if a client kept
// sending and read slowly.
func (n *kernelNetwork) judgeStop(took core.Time) {
	w := n.w
	if !n.harness.isOver() {
		w.hit(StoppedForcibly)
		return
	}
	w.hit(StoppedGracefully)
	if limit := w.options.writeLimit(); limit > 0 && !n.harness.waited && took > 2*limit+12*core.Second {
		w.judge.Failf("the server took %d ms to stop", took/core.Millisecond)
	}
}
